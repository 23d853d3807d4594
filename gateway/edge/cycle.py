"""One request and its answer, as ASGI's `receive` and `send`."""

from asyncio import Event
from collections.abc import Sequence
from typing import Any, Final, Protocol

from gateway.edge.answer import CONTINUE, Answer
from gateway.edge.duct import whole
from gateway.edge.head import Field
from gateway.messages import FOLLOWS, LINES, Message, Scope

HIGH_WATER: Final = 65_536  # bytes of a body that wait for the app before reading pauses
_LONG: Final = 65_536  # bytes of a body that a second write costs less than a copy
FILE: Final = "http.response.zerocopysend"
"""An extension of ASGI: `count` bytes of the open `file` from `offset` on; both may be left out."""
SPLICE: Final = "banyan.splice"
"""An extension of ours: `count` bytes of the socket `source` (`duct.Source`)."""
_MOVED: Final = frozenset({FILE, SPLICE})


class Wire(Protocol):
    """What a cycle needs of its connection."""

    writable: Event | None  # is there while the client takes nothing

    def default_headers(self) -> Sequence[Field]: ...
    def write(self, data: bytes) -> None: ...
    async def move(self, message: Message) -> None: ...
    def may_stay_open(self) -> bool: ...
    def wants_body(self) -> None: ...
    def answered(self) -> None: ...
    def cut(self) -> None: ...


class Cycle:
    """Lives from a request's head to the return of the app.

    `left`: the client sends nothing more. `over`: nothing can be sent any more either. A client that
    only closed its side for writing still gets its answer.
    """

    __slots__ = (
        "_awaits_continue", "_body", "_changed", "_ended", "_head", "_wire",
        "answer", "buffered", "complete", "left", "more", "over", "scope", "started", "waits",
    )  # fmt: skip

    def __init__(self, wire: Wire, scope: Scope, answer: Answer, *, awaits_continue: bool) -> None:
        self.scope = scope
        self.answer = answer
        self.more = True  # of the body is to come
        self.buffered = 0
        self.left = self.over = self.started = self.complete = False
        self.waits = False  # the app, for a body that is not there
        self._wire = wire
        self._awaits_continue = awaits_continue
        self._body: list[bytes] = []
        self._head = b""  # of an answer whose body follows: both go in one write
        self._ended = False  # the app has the whole body
        self._changed: Event | None = None

    async def receive(self) -> Message:
        if self._awaits_continue and self.more and not self.started and not self.over:
            self._awaits_continue = False
            self._wire.write(CONTINUE)
        while not (self.complete or self.over):
            if not self._ended and (self._body or not self.more):
                return self._request()
            if self.left:
                break
            await self._change()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Raises RuntimeError for messages out of order, and BadAnswer."""
        wire = self._wire
        if wire.writable is not None:
            await wire.writable.wait()
        if self.over:
            return
        if not self.started:
            self._start(message)
        elif not self.complete and message["type"] in _MOVED:
            await self._move(message)
        elif self.complete or message["type"] != "http.response.body":
            raise RuntimeError(f"Unexpected ASGI message '{message['type']}'.")
        else:
            more = bool(message.get("more_body", False))
            part = message.get("body", b"")
            data = self.answer.body(
                part if type(part) is bytes else bytes(memoryview(part)), more=more
            )
            self._write(data)
            if not more:
                self.complete = True
                self.wake()
                wire.answered()

    def feed(self, data: bytes, *, more: bool) -> None:
        """What arrived of the body."""
        if data:
            self._body.append(data)
            self.buffered += len(data)
        self.more = more
        if data or not more:
            self.wake()

    def end(self) -> None:
        """Nothing more is sent or received: the connection is lost, or the request refused."""
        self.left = self.over = True
        self.wake()

    def wake(self) -> None:
        if self._changed is not None:
            self._changed.set()

    def gave_up(self) -> bool:
        """Whether the app returned early because the client has left."""
        if self.left:
            self._wire.cut()
        return self.left

    async def fail(self) -> None:
        """Ends an answer that the app did not complete: with 500, or cut if it has begun."""
        if self.over or self.complete:
            return
        if self.started:
            self._flush()
            self._wire.cut()
            return
        await self.send(_FAILED_START | {"headers": list(_FAILED_HEADERS)})
        await self.send({"type": "http.response.body", "body": _FAILED})

    @property
    def awaits_continue(self) -> bool:
        """The client holds its body back and may never send it."""
        return self._awaits_continue

    def _start(self, message: Message) -> None:
        if message["type"] != "http.response.start":
            raise RuntimeError(f"Expected 'http.response.start', but got '{message['type']}'.")
        wire, answer = self._wire, self.answer
        if not wire.may_stay_open():
            answer.keep_alive = False
        ours = wire.default_headers()
        headers, lines = message.get("headers", ()), message.get(LINES, b"")
        head = answer.start(message["status"], headers, ours, lines)
        self.started = True
        if message.get(FOLLOWS, False):
            self._head = head
        else:
            wire.write(head)

    def _write(self, data: bytes) -> None:
        """With the head that waits for it in one piece, if that is cheaper than a second write."""
        if self._head and len(data) < _LONG:
            data = self._taken_head() + data
        self._flush()
        if data:
            self._wire.write(data)

    def _flush(self) -> None:
        """Writes a head whose body did not come after all."""
        if self._head and not self.over:
            self._wire.write(self._taken_head())

    def _taken_head(self) -> bytes:
        head, self._head = self._head, b""
        return head

    async def _move(self, message: Message) -> None:
        moved = message if message["type"] == SPLICE else whole(message)
        self.answer.promise(moved["count"])
        self._flush()
        await self._wire.move(moved)
        if not message.get("more_body", False):
            await self.send({"type": "http.response.body"})

    def _request(self) -> Message:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self.buffered = 0
        self._ended = not self.more
        return {"type": "http.request", "body": body, "more_body": self.more}

    async def _change(self) -> None:
        """Until something has changed; several tasks may wait."""
        if self._changed is None:
            self._changed = Event()
        self._changed.clear()
        self.waits = self.more
        self._wire.wants_body()
        try:
            await self._changed.wait()
        finally:
            self.waits = False


_FAILED: Final = b"Internal Server Error"
_FAILED_START: Final[dict[str, Any]] = {"type": "http.response.start", "status": 500}
_FAILED_HEADERS: Final = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(_FAILED)),
    (b"connection", b"close"),
)
