"""Of a repeated header WSGI servers make one, its lines joined by commas (RFC 9110, 5.3).

Starlette gives the first line and FastAPI the first or the last, so the stacks would act on
different values, and none would say so. May go once no client or proxy repeats a header.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import Header, Request
from starlette.types import Scope


def joined_lines(headers: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """An ASGI scope's headers by their names, in lower case."""
    joined = dict(headers)
    if len(joined) < len(headers):
        joined = {name: b",".join(v for n, v in headers if n == name) for name in joined}
    return joined


def header(scope: Scope, name: str) -> str | None:
    """What `flask.request.headers.get(name)` gives."""
    value = joined_lines(scope["headers"]).get(name.lower().encode("latin-1"))
    return None if value is None else value.decode("latin-1")


def joined_header(name: str, description: str) -> Callable[..., Awaitable[str | None]]:
    """A dependency: the header `name` as Flask reads it, None if it is absent."""

    async def value(
        request: Request,
        _one: Annotated[str | None, Header(alias=name, description=description)] = None,
    ) -> str | None:
        return header(request.scope, name)

    return value
