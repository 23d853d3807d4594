"""The types of ASGI (spec 3.0) as this package uses them, and a `receive` for who is asked second."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
DOOR: Final = "banyan.door"  # in a scope: what the front door decided; the kit's `DECIDED`
FAULT: Final = (
    "banyan.fault"  # in the start of a failing answer: what went wrong, see gateway.faults
)
OWN: Final = "banyan.own"  # in a scope: modern gets the request as the client sent it
FOUND: Final = (
    "banyan.found"  # in a scope of the edge: the first header of each name; no app gets it
)
TASK: Final = "banyan.task"  # in a scope of the edge: who answers; no app gets it
FOLLOWS: Final = "banyan.follows"  # in a start to the edge: the body is sent with nothing between
LINES: Final = "banyan.lines"  # in a start to the edge: headers of the gateway's own, as lines
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def from_the_start(receive: Receive) -> Receive:
    """A `receive` for an app that has not been told yet that the request has no body."""
    told = False

    async def anew() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return anew
