"""Of a repeated header WSGI servers make one, its lines joined by commas (RFC 9110, 5.3).

Starlette gives the first line and FastAPI the first or the last, so the stacks would act on
different values, and none would say so. May go once no client or proxy repeats a header.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import Header, Request


def joined_lines(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """An ASGI scope's headers by their names, in lower case."""
    joined = dict(headers)
    if len(joined) < len(headers):
        joined = {name: b",".join(v for n, v in headers if n == name) for name in joined}
    return joined


def joined_header(name: str, description: str) -> Callable[..., Awaitable[str | None]]:
    """A dependency: the header `name` as Flask reads it, None if it is absent."""

    async def value(
        request: Request,
        one: Annotated[str | None, Header(alias=name, description=description)] = None,
    ) -> str | None:
        lines = joined_lines(request.scope["headers"])
        return None if one is None else lines[name.lower().encode()].decode("latin-1")

    return value
