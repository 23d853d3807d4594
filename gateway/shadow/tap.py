"""What a client got, copied on its way: one half of what is compared. Pure."""

from typing import Any, Final

from gateway.messages import FAULT, Message, Scope, Send
from gateway.shadow.compare import CAP
from gateway.shadow.difference import Answer
from gateway.words import Stack

_OURS: Final = frozenset({b"x-served-by", b"x-request-id"})


class Room:
    """Bytes that all copies may take together."""

    def __init__(self, left: int) -> None:
        self.left = left


class Copied:
    """An answer, message by message; of one that is too large, the beginning."""

    def __init__(self) -> None:
        self.status = 0
        self.fault = ""  # see gateway.faults
        self.complete = False
        self.large = False
        self.size = 0  # bytes of its body that are kept
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []

    async def send(self, message: Message) -> None:
        """The `send` of a stack whose answer nobody else gets."""
        self.take(message)

    def take(self, message: Message) -> None:
        """One message; what comes after too much is not looked at."""
        if self.large:
            return
        kind = message["type"]
        if kind == "http.response.start":
            self.status, self.fault = message["status"], message.get(FAULT, "")
            self._headers = list(message.get("headers", ()))
        elif kind == "http.response.body":
            part = bytes(message.get("body", b""))
            self._parts.append(part)
            self.size += len(part)
            self.large = self.size > CAP
            self.complete = not message.get("more_body", False)
        else:  # bytes that the kernel moves past this process
            self.large = True

    def answer(self) -> Answer:
        """What is compared: without the headers of the gateway's own."""
        headers = (
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in self._headers
            if name.lower() not in _OURS
        )
        return Answer(self.status, tuple(headers), b"".join(self._parts))


class Tap(Copied):
    """Passes an answer on to its client, and keeps a copy of it and of the request while there is room."""

    def __init__(self, send: Send, route: str, stack: Stack, room: Room) -> None:
        super().__init__()
        self.route = route
        self.stack = stack  # that answers
        self.full = False  # there was no room for a copy
        self.scopes: dict[
            Stack, dict[str, Any]
        ] = {}  # what each stack is asked; none: it has a body
        self._send, self._room = send, room

    async def send(self, message: Message) -> None:
        await self._send(message)
        if not self.full:
            before = self.size
            self.take(message)
            self._room.left -= self.size - before
            self.full = self._room.left < 0
            if self.full or self.large:
                self.drop()

    def keep(self, legacy: Scope, modern: Scope) -> None:
        """What each stack is asked: an app may write into the scope it gets."""
        for stack, scope in ((Stack.LEGACY, legacy), (Stack.MODERN, modern)):
            self.scopes[stack] = {**scope, "headers": list(scope["headers"]), "extensions": {}}

    def drop(self) -> None:
        """The copy is not needed any more."""
        self._parts.clear()
        self._room.left += self.size
        self.size = 0
