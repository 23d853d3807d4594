"""The optional API token."""

from collections.abc import Awaitable, Callable

from fastapi import HTTPException, Request

from gateway.kit.compat import joined_lines
from shared_services.access import is_authorized
from shared_services.settings import TradingSettings


def token_required(settings: TradingSettings) -> Callable[[Request], Awaitable[None]]:
    """A dependency that asks for the token; nothing to ask for if none is set."""

    async def require_token(request: Request) -> None:
        headers = joined_lines(request.scope["headers"])
        if not is_authorized(
            settings,
            authorization=headers.get(b"authorization", b"").decode("latin-1"),
            api_key=headers.get(b"x-api-key", b"").decode("latin-1"),
        ):
            raise HTTPException(401)

    return require_token
