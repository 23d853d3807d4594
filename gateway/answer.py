"""What one client gets of one request: messages on their way to the server, and what became of them."""

from asyncio import Task
from functools import lru_cache
from time import perf_counter
from typing import Any, Final

from gateway.failover import Budget
from gateway.faults import fingerprint
from gateway.head import REQUEST_ID, Header
from gateway.messages import FAULT, FOLLOWS, LINES, Message, Receive, Send
from gateway.words import Stack

_REQUEST_ID_IS: Final = REQUEST_ID + b": "
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

    # What holds of nearly every answer: it is set where it does not.
    route = ""  # its id
    by_edge = False  # our own protocol sends it
    asked: Stack | None = None  # the stack that is answering
    budget: Budget | None = None  # set: another stack may answer if this one fails
    status = 0  # of what the client got; 0: nothing yet
    failed = 0  # the status that was kept back
    fault = ""  # what is known of a failure, see gateway.faults
    over_budget = False  # it would have been, but for the budget
    left = False  # the client, while something was sent to it
    overdue = False  # the deadline has passed
    too_large = False  # the request's body
    retried = False  # another stack answers now
    dropped = False  # what the stack says is not heard any more
    _held: list[Message] | None = None  # an answer that may still fail
    _received = 0  # bytes of the request's body

    def __init__(
        self, send: Send, served_by: tuple[Header, ...], request_id: bytes, task: Task[Any] | None
    ) -> None:
        self._send = send
        self._served_by = served_by
        self.request_id = (REQUEST_ID, request_id)
        self.task = task
        self.began = self.since = perf_counter()  # the request's last byte came `since`

    async def send(self, message: Message) -> None:
        """The `send` that the stack gets."""
        if self.dropped:
            return
        held = self._held
        if held is not None and message.get("more_body", False) and len(held) < _MESSAGES:
            held.append(message)
            return
        self._held = None
        try:
            for one in (message,) if held is None else (*held, message):
                if one["type"] != "http.response.start":
                    await self._send(one)
                elif held is not None or self.budget is None or not self._keeps(one):
                    await self._send(self._completed(one, follows=held is not None))
                    self.status = one["status"]
        except OSError:  # some servers raise when the client has left, others go silent
            self.left = True
            raise

    def _keeps(self, start: Message) -> bool:
        """What legacy could give instead is sent when it is there as a whole, if it is short."""
        if start["status"] >= _SERVER_ERROR:
            self._blame(start)
            if self.fail(start["status"]):
                return True
        if _length(start) > _HELD:
            return False
        self._held = [start]
        return True

    def _completed(self, start: Message, *, follows: bool) -> Message:
        """With the gateway's headers, without what the server need not know."""
        if start["status"] >= _CLIENT_ERROR:
            self._blame(start)
        if self.by_edge:  # which need not look at them again
            start[FOLLOWS] = follows or start.get(FOLLOWS, False)
            start[LINES] = _lines(self._served_by) + _REQUEST_ID_IS + self.request_id[1] + b"\r\n"
        else:
            start.pop(FOLLOWS, None)
            start["headers"] = [*start.get("headers", ()), *self._served_by, self.request_id]
        return start

    def fail(self, status: int) -> bool:
        """The stack failed; True: nothing of it was sent, and another one may answer instead."""
        self._held = None
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

    def again(self, served_by: tuple[Header, ...]) -> None:
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


@lru_cache
def _lines(headers: tuple[Header, ...]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def _length(start: Message) -> float:
    """The answer's length as it declares it; infinite for a stream, which must not be held."""
    for name, value in start.get("headers", ()):
        if name == b"content-length":
            return int(value)
    return float("inf")
