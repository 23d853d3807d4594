"""WebSockets of a remote stack: each of a client's is one of ours to the stack, message by message.

Pings are answered on each side for itself, compression is each side's own matter, and close codes go
through. A stack that refuses a handshake refuses it to the client, with its own status and body.
"""

import json
from asyncio import FIRST_COMPLETED, Future, create_task, ensure_future, gather, timeout, wait
from contextlib import suppress
from typing import Any, Final

import structlog
from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.uri import WebSocketURI

from gateway.head import Header
from gateway.messages import Message, Receive, Scope, Send
from gateway.settings import Settings
from gateway.stacks.remote.failure import StackFailed
from gateway.stacks.remote.hops import without_hops
from gateway.stacks.remote.reach import Dial
from gateway.stacks.remote.request import Introduce, head_of, target_of, with_host

MESSAGE_LIMIT: Final = 16 * 1024 * 1024  # bytes; what uvicorn takes from a client
_QUEUE: Final = 2  # messages of the stack that wait for the client
_CLOSE: Final = 2.0  # seconds the stack has to answer a close
_URI: Final = WebSocketURI(secure=False, host="stack", port=80, path="/", query="")
_log = structlog.get_logger()


class SocketProxy:
    """Hands websocket scopes to a stack; `name` is the stack's, for messages."""

    def __init__(self, name: str, dial: Dial, introduce: Introduce, settings: Settings) -> None:
        self._name = name
        self._dial = dial
        self._introduce = introduce
        self._deadline = settings.deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        leaving = ensure_future(receive())  # the first message, or that the client did not wait
        try:
            upstream = await self._open(scope, leaving)
            if upstream is None:
                return
            try:
                await send(_accept(upstream))
                await _between(upstream, leaving, receive, send)
            finally:
                upstream.transport.abort()
        except InvalidStatus as refusal:
            await _pass_refusal(scope, send, refusal.response)
        except StackFailed as failure:
            _log.warning(
                "stack.failed", stack=self._name, status=failure.status, error=str(failure)
            )
            body = json.dumps({"error": f"{self._name}: {failure}"}).encode() + b"\n"
            await _refuse(scope, send, failure.status, body)
        finally:
            leaving.cancel()

    async def _open(self, scope: Scope, leaving: Future[Message]) -> "_Upstream | None":
        """The stack's side, after its handshake; None if the client left meanwhile."""
        opening = create_task(self._handshake(scope))
        try:
            waiting: set[Future[Any]] = {opening, leaving}
            await wait(waiting, return_when=FIRST_COMPLETED)
            if opening.done():
                return opening.result()
            if leaving.result()["type"] != "websocket.disconnect":
                return await opening
        finally:
            opening.cancel()
        return None

    async def _handshake(self, scope: Scope) -> "_Upstream":
        """Raises StackFailed, and InvalidStatus for what the stack answers instead."""
        original: list[Header] = scope["headers"]
        found = dict(original)
        kept = [h for h in without_hops(original, found) if not _is_handshake(h[0])]
        headers = self._introduce(scope, with_host(scope, kept, found))
        target = target_of(scope)
        subprotocols = scope.get("subprotocols") or None
        head_of("GET", target, headers)  # raises for what no stack should get

        def made() -> _Upstream:
            protocol = _Protocol(target, headers, subprotocols)
            return _Upstream(protocol, max_queue=_QUEUE, close_timeout=_CLOSE)

        upstream = await self._dial(made)
        try:
            async with timeout(self._deadline):
                await upstream.handshake(user_agent_header=None)
        except BaseException as error:
            upstream.transport.abort()
            if isinstance(error, TimeoutError):
                raise StackFailed(504, f"no answer within {self._deadline:g} s") from None
            if isinstance(error, InvalidHandshake | OSError | EOFError):
                if isinstance(error, InvalidStatus):
                    raise
                raise StackFailed(502, f"no valid answer to the handshake: {error}") from error
            raise
        upstream.start_keepalive()
        return upstream


async def no_socket(scope: Scope, send: Send) -> None:
    """Nothing is there that speaks WebSocket: 404."""
    await _refuse(scope, send, 404, b"")


class _Spelled(Request):
    """A request that goes out as it is spelled, byte for byte."""

    head: bytes

    def serialize(self) -> bytes:
        return self.head


class _Protocol(ClientProtocol):
    """A handshake with the client's target and headers."""

    def __init__(self, target: bytes, headers: list[Header], subprotocols: Any) -> None:
        super().__init__(_URI, subprotocols=subprotocols, max_size=MESSAGE_LIMIT)
        self._target = target
        self._headers = headers

    def connect(self) -> Request:
        made = super().connect()
        ours = [
            (name.lower().encode(), value.encode())
            for name, value in made.headers.raw_items()
            if name != "Host"
        ]
        request = _Spelled(self._target.decode("latin-1"), made.headers)
        request.head = head_of("GET", self._target, [*self._headers, *ours]) + b"\r\n"
        return request


class _Upstream(ClientConnection):
    """The stack's side of one WebSocket."""

    async def say(self, message: Message) -> None:
        """Passes a client's message on. A client that leaves ends the connection as it did itself."""
        if message["type"] != "websocket.disconnect":
            text = message.get("text")
            await self.send(message["bytes"] if text is None else text)
            return
        code = message.get("code", CloseCode.NO_STATUS_RCVD)
        if code == CloseCode.ABNORMAL_CLOSURE:
            return
        async with self.send_context():
            if code == CloseCode.NO_STATUS_RCVD:
                self.protocol.send_close()
            else:
                self.protocol.send_close(code, message.get("reason") or "")


async def _between(
    upstream: _Upstream, first: Future[Message], receive: Receive, send: Send
) -> None:
    """Until one side ends."""
    down = create_task(_down(upstream, send), name="socket-down")
    up = create_task(_up(upstream, first, receive), name="socket-up")
    try:
        await wait({down, up}, return_when=FIRST_COMPLETED)
        if up.done() and not up.result():
            await down
        elif down.done():
            down.result()
    finally:
        up.cancel()
        down.cancel()
        await gather(up, down, return_exceptions=True)


async def _up(upstream: _Upstream, first: Future[Message], receive: Receive) -> bool:
    """Client to stack; whether it was the client that ended it."""
    message = await first
    with suppress(ConnectionClosed):
        while message["type"] != "websocket.disconnect":
            await upstream.say(message)
            message = await receive()
        await upstream.say(message)
    return bool(message["type"] == "websocket.disconnect")


async def _down(upstream: _Upstream, send: Send) -> None:
    """Stack to client; at its end the client gets the stack's close code."""
    with suppress(OSError):  # some servers raise when the client has left, others go silent
        try:
            while True:
                data = await upstream.recv()
                kind = "text" if isinstance(data, str) else "bytes"
                await send({"type": "websocket.send", kind: data})
        except ConnectionClosed as closed:
            await send(_close(closed))


def _close(closed: ConnectionClosed) -> Message:
    """1005 cannot be sent and is the same as 1000; a stack that vanished is a bad gateway."""
    if closed.rcvd is not None:
        code = closed.rcvd.code
        if code == CloseCode.NO_STATUS_RCVD:
            code = CloseCode.NORMAL_CLOSURE
        return {"type": "websocket.close", "code": int(code), "reason": closed.rcvd.reason}
    if closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG:
        return {"type": "websocket.close", "code": 1009, "reason": closed.sent.reason[:100]}
    return {"type": "websocket.close", "code": int(CloseCode.BAD_GATEWAY), "reason": ""}


def _accept(upstream: _Upstream) -> Message:
    response = upstream.response
    assert response is not None  # noqa: S101 (the handshake is over)
    headers = [header for header in _headers(response) if not _is_handshake(header[0])]
    return {
        "type": "websocket.accept",
        "subprotocol": upstream.subprotocol,
        "headers": without_hops(headers, dict(headers)),
    }


def _headers(response: Response) -> list[Header]:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers.raw_items()
    ]


def _is_handshake(name: bytes) -> bool:
    return name.startswith(b"sec-websocket-")


async def _pass_refusal(scope: Scope, send: Send, response: Response) -> None:
    headers = _headers(response)
    kept = without_hops(headers, dict(headers))
    kept = [header for header in kept if header[0] != b"content-length"]
    await _refuse(scope, send, response.status_code, bytes(response.body or b""), kept)


async def _refuse(
    scope: Scope, send: Send, status: int, body: bytes, headers: list[Header] | None = None
) -> None:
    """With the status where the server offers that, else by closing: 403 (ASGI, Denial Response)."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    length = (b"content-length", b"%d" % len(body))
    kind = [] if headers or not body else [(b"content-type", b"application/json")]
    start = {"status": status, "headers": [*(headers or kind), length]}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": body})
