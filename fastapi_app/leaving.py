"""Long work ends when its client leaves."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from fastapi import Request
from starlette.requests import ClientDisconnect

T = TypeVar("T")


async def while_connected(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns; cancelled, with ClientDisconnect, if the client leaves before.

    The body must have been read: what comes after it can only be the client's leaving.
    """
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_leave, request)
            result = await work()
            group.cancel_scope.cancel()
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return result


async def _leave(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    raise ClientDisconnect
