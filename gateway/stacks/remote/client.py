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

from gateway.messages import Receive
from gateway.stacks.remote.connection import Connection
from gateway.stacks.remote.request import Request
from gateway.stacks.remote.ticks import Ticks

_PATIENCE: Final = 0.025  # seconds until it is looked whether the client is still there
_CONTINUE: Final = 1.0  # seconds a stack has to ask for the body, as curl waits (RFC 9110 §10.1.1)


class _Left(Exception):
    """The client has left before anything was asked."""


class Client:
    """Ends the block that it is entered with, wherever that waits, when the client leaves."""

    def __init__(self, request: Request, receive: Receive, ticks: Ticks, now: float) -> None:
        self.sending = False  # some of the body has not been passed on
        self.since = now  # the loop's time at which some of it last was
        self.splices = False  # its server can have the kernel move an answer
        self.answered = False  # the client has got something
        self.connection: Connection | None = None  # where the answer is waited for
        self._request = request
        self._receive = receive
        self._ticks = ticks
        self._go_on: Event | None = None
        self._task: Task[None] | None = None
        self._reading = False  # somebody else reads
        self._left = False
        self._error: BaseException | None = None

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
        if isinstance(error, _Left):
            return True
        if not self._left or self._owner.uncancel() > self._cancelling:
            return False
        if self._error is not None:
            raise self._error
        return isinstance(error, CancelledError)

    async def opening(self) -> bytes:
        """What the stack gets first: the head and, if the client does not wait, the body's first part.

        No connection is needed before a slow client has said something.
        """
        request = self._request
        if request.expects:
            self.sending = True
            return request.head + b"\r\n"
        self._reading = True
        message = await self._receive()
        self._reading, self.since = False, get_running_loop().time()
        if message["type"] == "http.disconnect":
            raise _Left
        part, more = message.get("body", b""), message.get("more_body", False)
        request.settle(part, more)
        framed = request.frame(part, more)
        self.sending = more
        return request.head + b"\r\n" + framed

    def tick(self, now: float) -> None:
        if self.connection is not None:
            self.connection.tick(now)
        if self._task is None and not self._reading and now - self.since > _PATIENCE:
            self.watch()

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
        if self._request.expects and self._go_on is not None:
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
                framed = self._request.frame(message.get("body", b""), more)
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
