"""The client's side of an exchange with a remote stack: the rest of its body, and whether it is still there.

`receive` gives both, in one order: first the body, then that the client has left. So one task at a time
reads it, and only when there is something to learn: most answers come before anybody would look.
"""

from asyncio import (
    CancelledError,
    Event,
    Task,
    create_task,
    current_task,
    get_running_loop,
    timeout,
)
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from gateway.edge.cycle import SPLICE
from gateway.messages import Receive
from gateway.stacks.remote.connection import PATIENCE, Connection
from gateway.stacks.remote.request import Framing, Request
from gateway.stacks.remote.ticks import Ticks

_CONTINUE: Final = 1.0  # seconds a stack has to ask for the body, as curl waits (RFC 9110 §10.1.1)


class Left(Exception):
    """The client has left before anything was asked."""


async def opening(request: Request, receive: Receive) -> tuple[bytes, bool]:
    """What the stack gets first, and whether some of the body is still to come.

    That is the head and, if the client does not wait, the body's first part: no connection is needed
    before a slow client has said something. Raises Left.
    """
    if request.framing is Framing.NONE or request.expects:
        return request.head + b"\r\n", request.expects
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Left
    part, more = message.get("body", b""), message.get("more_body", False)
    request.settle(part, more)
    framed = request.frame(part, more)
    return request.head + b"\r\n" + framed, more


class Client:
    """Ends the block that it is entered with, wherever that waits, when the client leaves."""

    def __init__(self, request: Request, receive: Receive, ticks: Ticks, since: float) -> None:
        self.request = request
        self.sending = False  # some of the body has not been passed on
        self.since = since  # the loop's time at which some of it last was
        self.answered = False  # the client has got something
        self._receive = receive
        self._ticks = ticks
        self._go_on: Event | None = None
        self._task: Task[None] | None = None
        self._left = False
        self._error: BaseException | None = None

    @property
    def splices(self) -> bool:
        """Its server can have the kernel move an answer."""
        return SPLICE in (self.request.scope.get("extensions") or ())

    def __enter__(self) -> Self:
        owner = current_task()
        assert owner is not None  # noqa: S101 (a coroutine runs in a task)
        self._owner, self._cancelling = owner, owner.cancelling()
        self._ticks.start(self)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _at: TracebackType | None,
    ) -> bool:
        self._ticks.stop(self)
        if self._task is not None:
            self._task.cancel()
        if not self._left or self._owner.uncancel() > self._cancelling:
            return False
        if self._error is not None:
            raise self._error
        return isinstance(error, CancelledError)

    def tick(self, now: float) -> bool:
        if self._task is None and now - self.since > PATIENCE:
            self.watch()
        return True

    def send_on(self, connection: Connection) -> None:
        """Begins to pass on what the opening did not hold."""
        if self.sending and self._task is None:
            self._go_on = Event()
            self._task = create_task(self._upload(connection), name="stack-upload")

    def go_on(self) -> None:
        """The stack asks for the body."""
        if self._go_on is not None:
            self._go_on.set()

    def watch(self) -> None:
        """Begins to look whether the client leaves."""
        if self._task is None:
            self._task = create_task(self._watch(), name="stack-client")

    async def _upload(self, connection: Connection) -> None:
        """Ends in front of the body's end if the client does: the stack must not take it for complete."""
        loop = get_running_loop()
        if self.request.expects and self._go_on is not None:
            with suppress(TimeoutError):
                async with timeout(_CONTINUE):
                    await self._go_on.wait()
        try:
            while self.sending:
                self.since = loop.time()
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    self._leave()
                    return
                more = message.get("more_body", False)
                framed = self.request.frame(message.get("body", b""), more)
                if connection.closed:
                    return
                connection.write(framed)
                self.sending = more
                await connection.drain()
        except Exception as error:
            self._error = error
            self._leave()
        else:
            self.since = loop.time()
            await self._watch()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self._left = True
        self._owner.cancel()
