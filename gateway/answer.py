"""What one client gets of one request: messages on their way to the server, and what became of them."""

from asyncio import Task
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final

from gateway.failover import Budget
from gateway.faults import fingerprint
from gateway.head import REQUEST_ID, Header
from gateway.messages import FAULT, Message, Receive, Send
from gateway.words import Stack

_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500
_HELD: Final = 64 * 1024  # bytes of an answer that is held until it is there as a whole
_MESSAGES: Final = 64  # of such an answer


class BodyTooLarge(Exception):
    """A request body above the limit; raised by `receive`, so that no app goes on with a part of it."""


class ClientTooSlow(Exception):
    """The client took nothing for so long that its answer is cut; no stack's failure."""


class Answer:
    """Adds the gateway's headers to the first message, and keeps a failing answer back if another stack
    may answer instead.
    """

    __slots__ = (
        "_held", "_received", "_send", "_served_by", "asked", "began", "budget", "dropped",
        "failed", "fault", "left", "over_budget", "overdue", "request_id", "retried", "route",
        "since", "status", "task", "too_large",
    )  # fmt: skip

    def __init__(
        self, send: Send, served_by: Sequence[Header], request_id: bytes, task: Task[Any] | None
    ) -> None:
        self._send = send
        self._served_by = served_by
        self.request_id = (REQUEST_ID, request_id)
        self.task = task
        self.route = ""  # its id
        self.asked: Stack | None = None  # the stack that is answering
        self.began = self.since = perf_counter()  # the request's last byte came `since`
        self.budget: Budget | None = None  # set: another stack may answer if this one fails
        self.status = 0  # of what the client got; 0: nothing yet
        self.failed = 0  # the status that was kept back
        self.fault = ""  # what is known of a failure, see gateway.faults
        self.over_budget = False  # it would have been, but for the budget
        self.left = False  # the client, while something was sent to it
        self.overdue = False  # the deadline has passed
        self.too_large = False  # the request's body
        self.retried = False  # another stack answers now
        self.dropped = False  # what the stack says is not heard any more
        self._held: list[Message] = []  # an answer that may still fail
        self._received = 0  # bytes of the request's body

    async def send(self, message: Message) -> None:
        """The `send` that the stack gets."""
        if self.dropped:
            return
        if self._held:
            await self._hold_on(message)
        elif message["type"] == "http.response.start" and self.budget is not None:
            if message["status"] >= _SERVER_ERROR:
                self._blame(message)
                if self.fail(message["status"]):
                    return
            if _length(message) <= _HELD:
                self._held.append(message)
            else:
                await self._pass(message)
        else:
            await self._pass(message)

    async def _hold_on(self, message: Message) -> None:
        """A short answer that another stack could give is sent when it is there as a whole."""
        self._held.append(message)
        if not message.get("more_body", False) or len(self._held) > _MESSAGES:
            held, self._held = self._held, []
            for one in held:
                await self._pass(one)

    async def _pass(self, message: Message) -> None:
        starts = message["type"] == "http.response.start"
        if starts:
            if message["status"] >= _CLIENT_ERROR:
                self._blame(message)
            headers = message.get("headers", ())
            message["headers"] = [*headers, *self._served_by, self.request_id]
        try:
            await self._send(message)
        except OSError:  # some servers raise when the client has left, others go silent
            self.left = True
            raise
        if starts:
            self.status = message["status"]

    def fail(self, status: int) -> bool:
        """The stack failed; True: nothing of it was sent, and another one may answer instead."""
        self._held = []
        if self.failed and self.dropped:  # an app that answers 500 and raises too
            return True
        if self.budget is None or self.status or self.left:
            return False
        if not self.budget.take():
            self.over_budget = True
            return False
        self.failed, self.dropped = status, True
        return True

    def finish(self) -> None:
        """The stack has ended. Raises RuntimeError if more of its answer should have come."""
        if self._held:
            raise RuntimeError("the app ended in the middle of its answer")

    def again(self, served_by: Sequence[Header]) -> None:
        """Another stack answers now."""
        self._served_by, self.budget = served_by, None
        self.retried, self.dropped, self.overdue = True, False, False
        self.since = perf_counter()

    def blame(self, error: BaseException) -> None:
        """The stack raised; what a client does is no stack's fault."""
        if (
            not self.retried
            and not self.left
            and not self.too_large
            and not isinstance(error, ClientTooSlow | BodyTooLarge)
        ):
            self.fault = self.fault or getattr(error, "fault", "") or fingerprint(error)

    def _blame(self, start: Message) -> None:
        """Keeps what the first stack that failed says of it; the server need not know."""
        fault = start.pop(FAULT, "")
        if not self.retried:
            self.fault = self.fault or fault

    def receiving(self, receive: Receive, limit: int) -> Receive:
        """A `receive` that keeps the request's body below `limit` bytes, and the time it last came."""

        async def counted() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left = True
            self.since = perf_counter()
            self._received += len(message.get("body", b""))
            if self._received > limit:
                self.too_large = True
                self.dropped = not self.status
                raise BodyTooLarge
            return message

        return counted


def _length(start: Message) -> float:
    """The answer's length as it declares it; infinite for a stream, which must not be held."""
    for name, value in start.get("headers", ()):
        if name == b"content-length":
            return int(value)
    return float("inf")
