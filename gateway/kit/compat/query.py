"""Of a repeated query parameter Flask reads the first value, FastAPI the last.

Both answer 200, so nobody would notice that the stacks act on different values. May go once
no client repeats a parameter.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Query, Request


def first_query(name: str, description: str) -> Callable[..., Awaitable[str | None]]:
    """A dependency: the first value of the query parameter `name`, None if it is absent."""

    async def value(
        request: Request,
        last: Annotated[str | None, Query(alias=name, description=description)] = None,
    ) -> str | None:
        return None if last is None else request.query_params.getlist(name)[0]

    return value
