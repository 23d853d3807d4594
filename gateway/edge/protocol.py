"""HTTP/1.1 on a socket, as gunicorn speaks it: the class that uvicorn makes for each connection.

uvicorn's own protocols refuse methods that Flask answers, send chunks to HTTP/1.0, and never give up on
a client that is silent. This one reads with `head` and `body`, answers with `answer`, and is in one of
five states: between requests, in a head, answering, draining a body that the app did not want, lingering.
"""

import asyncio
import os
import select
from socket import SO_SNDBUF, SOL_SOCKET, socket
from typing import Any, Final

import uvicorn
from uvicorn.server import ServerState

from gateway.edge.answer import Answer
from gateway.edge.body import BodyReader, body_reader
from gateway.edge.cycle import FILE, HIGH_WATER, Cycle
from gateway.edge.duct import Duct
from gateway.edge.head import Field, Head, read_head
from gateway.edge.limits import Limits
from gateway.edge.refusal import Reason, Refused
from gateway.edge.refusals import count_refusal
from gateway.edge.run import run
from gateway.edge.scanner import Scanner
from gateway.edge.scope import Peer, http_scope, peer_of, written
from gateway.messages import TASK, Message

_DRAIN: Final = 65_536  # bytes of an unwanted body that keep the connection, as gunicorn
_DRAIN_TIME: Final = 5.0  # seconds
_LINGER: Final = 2.0  # seconds in which a client may take its last answer (RFC 9112 §9.6)


class EdgeProtocol(asyncio.Protocol):
    """One connection of a client."""

    def __init__(
        self,
        limits: Limits,
        *,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._limits = limits
        self._config = config
        self._server_state = server_state
        self._app_state = app_state
        self._loop = _loop or asyncio.get_event_loop()
        self._transport: asyncio.Transport
        self._peer: Peer

        self.writable: asyncio.Event | None = None
        self._scanner = Scanner(limits)
        self._cycle: Cycle | None = None  # until it is answered
        self._body: BodyReader | None = None  # until it has arrived
        self._next = b""  # what arrived behind the request that is being answered
        self._since = 0.0  # when the client last did what is awaited of it
        self._drained = 0
        self._duct: Duct | None = None  # what the kernel sends by itself
        self._unsent, self._unsent_since = 0, 0.0  # bytes that wait, and since when as many
        self._served = self._paused = self._eof = self._lingers = self._retires = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._server_state.connections.add(self)  # type: ignore[arg-type]
        self._peer = peer_of(transport, self._limits)
        self._since = self._loop.time()
        if self._limits.send_buffer:
            with socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as own:
                own.setsockopt(SOL_SOCKET, SO_SNDBUF, self._limits.send_buffer)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._server_state.connections.discard(self)
        if self._cycle is not None:
            self._cycle.end()
        if self._duct is not None:
            self._duct.close()
        self.resume_writing()

    def eof_received(self) -> bool:
        """Whether the connection stays: for the answers to what had arrived as a whole."""
        self._eof = True
        if self._cycle is None or self._body is not None or self._lingers:
            return False
        self._cycle.left = True
        self._cycle.wake()
        return True

    def data_received(self, data: bytes) -> None:
        if self._lingers:
            return
        if self._body is not None:
            self._read_body(self._body, data)
        elif self._cycle is None:
            self._read_head(data)
        else:
            self._next += data
            self._pace()

    def pause_writing(self) -> None:
        self.writable = asyncio.Event()

    def resume_writing(self) -> None:
        if self.writable is not None:
            self.writable.set()
            self.writable = None

    # For the server

    def sweep(self, now: float) -> None:
        """Gives up on a client that keeps us waiting; the server calls it about twice a second."""
        if self._takes_nothing(now):
            self._transport.abort()
        else:
            self._wait_no_longer(now - self._since, self._limits)

    def _wait_no_longer(self, waited: float, limits: Limits) -> None:
        if self._lingers:
            if waited > _LINGER and not self._transport.get_write_buffer_size():
                self._transport.close()
        elif self._cycle is not None:
            if self._cycle.waits and waited > limits.body_timeout:
                self._refuse(Refused(Reason.BODY_TIMEOUT, "no byte of the body came in time"))
        elif self._scanner.waiting:
            if waited > limits.head_timeout:
                self._refuse(
                    Refused(Reason.HEAD_TIMEOUT, "the request's head did not come in time")
                )
        elif waited > self._patience():
            self._transport.close()

    def retire(self) -> None:
        """From now on every answer is the connection's last."""
        self._retires = True

    def shutdown(self) -> None:
        """Ends the connection, now if no request is on its way, not even one that nobody has read."""
        self._retires = True
        idle = self._cycle is None and not self._lingers and not self._scanner.waiting
        if idle and not (self._transport.is_closing() or self._unread()):
            self._transport.close()

    def _unread(self) -> bool:
        """Whether the kernel has something of the client's that the loop has not."""
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    # For the cycle

    def default_headers(self) -> list[Field]:
        return self._server_state.default_headers

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    async def move(self, message: Message) -> None:
        """Lets the kernel send what a file or a socket has. Raises SourceEnded."""
        await self._drained_to_the_last_byte()
        if self._cycle is None or self._cycle.over:
            return
        own = self._transport.get_extra_info("socket")
        self._duct = duct = Duct(self._loop, own.fileno())
        try:
            if message["type"] == FILE:
                await duct.send_file(message["file"], message["offset"], message["count"])
            else:
                await duct.splice(message["source"], message["count"])
        finally:
            self._duct = None
            duct.release()

    def may_stay_open(self) -> bool:
        """Whether another request may follow: not behind a body that may never end or never come."""
        if self._retires or self._body is None:
            return not self._retires
        rest = self._body.remaining()
        held_back = self._cycle is not None and self._cycle.awaits_continue
        return not held_back and rest is not None and rest <= _DRAIN

    def wants_body(self) -> None:
        """The app waits for more: the client's time runs, and what it sends is read."""
        self._since = self._loop.time()
        self._pace()

    def answered(self) -> None:
        """The answer is complete."""
        self._server_state.total_requests += 1
        cycle, self._cycle = self._cycle, None
        if cycle is None or self._transport.is_closing():
            return
        self._served = True
        self._since = self._loop.time()
        self._drained = 0
        if not cycle.answer.keep_alive:
            self._last_answer_sent()
        elif self._body is None:
            self._read_next()
        if self._paused:
            self._pace()

    def cut(self) -> None:
        """Ends the connection in the middle of an answer."""
        if self._cycle is not None:
            self._cycle.end()
        self._transport.close()

    async def _drained_to_the_last_byte(self) -> None:
        self._transport.set_write_buffer_limits(high=0)
        try:
            while self.writable is not None:
                await self.writable.wait()
        finally:
            if not self._transport.is_closing():
                self._transport.set_write_buffer_limits()

    # Reading

    def _read_next(self) -> None:
        data, self._next = self._next, b""
        if data:
            self._read_head(data)
        if self._eof and self._cycle is None and not self._lingers:
            self._transport.close()

    def _read_head(self, data: bytes) -> None:
        if not self._scanner.waiting:
            self._since = self._loop.time()
        try:
            found = self._scanner.feed(data)
            if found is None:
                return
            head = read_head(found[0], self._limits, trusted=self._peer.trusted)
        except Refused as refused:
            self._refuse(refused)
            return
        if head.websocket and self._config.ws_protocol_class is not None:
            self._upgrade(head, found[1])
        else:
            self._begin(head, found[1])

    def _begin(self, head: Head, rest: bytes) -> None:
        answer = Answer(
            head_only=head.method == b"HEAD", http_1_0=head.http_1_0, keep_alive=head.keep_alive
        )
        scope = http_scope(head, self._peer, self._app_state)
        cycle = Cycle(self, scope, answer, awaits_continue=head.expects_continue)
        self._cycle = cycle
        if head.length:
            self._body = body_reader(head.length, self._limits)
            if rest:
                self._read_body(self._body, rest)
        else:
            cycle.more = False
            self._next = rest
        if self._cycle is cycle:  # not refused meanwhile
            cycle.left = self._eof
            task = self._loop.create_task(run(self._config.loaded_app, cycle))
            scope[TASK] = task
            self._server_state.tasks.add(task)
            task.add_done_callback(self._server_state.tasks.discard)

    def _read_body(self, body: BodyReader, data: bytes) -> None:
        try:
            piece = body.feed(data)
        except Refused as refused:
            self._refuse(refused)
            return
        if body.done:
            self._body = None
            self._next = body.rest
        if self._cycle is not None:
            self._since = self._loop.time()
            self._cycle.feed(piece, more=not body.done)
        elif body.done:
            self._since = self._loop.time()
            self._read_next()
        else:
            self._drained += len(data)
            if self._drained > _DRAIN:
                self._linger()
        self._pace()

    def _pace(self) -> None:
        """Reads as long as little waits to be dealt with."""
        waiting = len(self._next) + (self._cycle.buffered if self._cycle is not None else 0)
        full = waiting > HIGH_WATER and not self._lingers
        if full is not self._paused and not self._eof and not self._transport.is_closing():
            self._paused = full
            if full:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _upgrade(self, head: Head, rest: bytes) -> None:
        """Hands the connection, and the head again, to the WebSocket protocol."""
        self._server_state.connections.discard(self)
        websocket: Any = self._config.ws_protocol_class
        protocol = websocket(
            config=self._config, server_state=self._server_state, app_state=self._app_state
        )
        protocol.connection_made(self._transport)
        if head.scheme is not None:
            protocol.scheme = "wss" if head.scheme == "https" else "ws"
        protocol.data_received(written(head) + rest)
        self._transport.set_protocol(protocol)

    # Ending

    def _takes_nothing(self, now: float) -> bool:
        """Whether none of what waits for the client has gone for too long (nginx: send_timeout)."""
        if self._duct is not None:
            return now - self._duct.moved > self._limits.send_timeout
        unsent = self._transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        return now - self._unsent_since > self._limits.send_timeout

    def _patience(self) -> float:
        """Seconds for a client with no request under way."""
        if self._body is not None:
            return _DRAIN_TIME
        return self._limits.keep_alive if self._served else self._limits.head_timeout

    def _refuse(self, refused: Refused) -> None:
        """Answers instead of the app, unless its answer has begun, and ends the connection."""
        count_refusal(refused.reason)
        cycle, self._cycle = self._cycle, None
        if cycle is not None:
            cycle.end()
            if cycle.started:
                self._transport.close()
                return
        answer = Answer(head_only=False, http_1_0=False, keep_alive=False)
        body = refused.body
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        self.write(answer.start(refused.status, headers, self.default_headers()) + body)
        self._linger()

    def _last_answer_sent(self) -> None:
        if self._body is None and not self._next:
            self._transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        """Closes our side and drops what still comes: closed at once, the client might lose the answer."""
        self._lingers = True
        self._body, self._next = None, b""
        self._since = self._loop.time()
        if self._eof:
            self._transport.close()
        else:
            self._transport.write_eof()
            self._pace()
