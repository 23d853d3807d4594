"""What went wrong in a stack's own process, told to the worker: a header of the failing answer, which
goes no further.

An ASGI app says 500 first and raises then (Starlette's `ServerErrorMiddleware`), so a whole answer that
failed is held until the app is over: a moment, as a rule.
"""

from asyncio import Task, get_running_loop
from typing import Final
from urllib.parse import quote, unquote

from gateway.faults import fingerprint
from gateway.messages import FAULT, App, Message, Receive, Scope, Send

_HEADER: Final = b"x-banyan-fault"
_PATIENCE: Final = 0.1  # seconds; an app may do other things after its answer
_FAILING: Final = 500
_CLOSE: Final = (b"connection", b"close")  # as the server does once an app has raised
_BODY: Final = b"Internal Server Error"  # the server's own, where an app says nothing
_HEADERS: Final = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(_BODY)),
)


async def blaming(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """The app in its process; what it raises goes on to the server."""
    answer = _Answer(send)
    try:
        await app(scope, receive, answer.send)
    except Exception as error:
        await answer.raised(error)
        raise
    await answer.let_go()


def hear(start: Message) -> None:
    """The worker's side: takes the header out of a failing answer again."""
    headers = start["headers"]
    told = dict(headers).get(_HEADER)
    if told is not None:
        start["headers"] = [header for header in headers if header[0] != _HEADER]
        start[FAULT] = unquote(told.decode("latin-1"))


class _Answer:
    """One answer, on its way from the app to the server."""

    __slots__ = ("_begun", "_held", "_overdue", "_send")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False
        self._held: list[Message] = []
        self._overdue: Task[None] | None = None

    async def send(self, message: Message) -> None:
        """Raises what the server raises, as late as an answer is held."""
        if not self._begun and message["type"] == "http.response.start":
            self._begun = True
            if FAULT in message:
                _tell(message, message.pop(FAULT))
            elif message["status"] >= _FAILING:
                self._held = [message]
                return
        elif len(self._held) == 1 and _is_whole_body(message):
            self._held.append(message)
            get_running_loop().call_later(_PATIENCE, self._let_go_later)
            return
        await self.let_go()
        await self._send(message)

    async def raised(self, error: Exception) -> None:
        """The app is over, and this is why."""
        if not self._begun:
            start = {"type": "http.response.start", "status": _FAILING, "headers": [*_HEADERS]}
            self._held = [start, {"type": "http.response.body", "body": _BODY}]
        if self._held:
            _tell(self._held[0], fingerprint(error), _CLOSE)
        await self.let_go()

    async def let_go(self) -> None:
        """Sends what is held, if anything is."""
        held, self._held = self._held, []
        for message in held:
            await self._send(message)

    def _let_go_later(self) -> None:
        if self._held:
            self._overdue = get_running_loop().create_task(self.let_go())


def _is_whole_body(message: Message) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body")


def _tell(start: Message, fault: str, *more: tuple[bytes, bytes]) -> None:
    start["headers"] = [*start.get("headers", ()), (_HEADER, quote(fault).encode()), *more]
