"""The optional API token."""

from collections.abc import Awaitable, Callable

from fastapi import HTTPException, Request

from shared_services.access import is_authorized
from shared_services.settings import TradingSettings


def token_required(settings: TradingSettings) -> Callable[[Request], Awaitable[None]]:
    """A dependency that asks for the token; nothing to ask for if none is set."""

    async def require_token(request: Request) -> None:
        headers = request.headers
        if not is_authorized(
            settings,
            authorization=headers.get("Authorization"),
            api_key=headers.get("X-API-Key"),
        ):
            raise HTTPException(401)

    return require_token
