"""WebSocket /ws/market/{client_id}: live market data (docs/websocket.md)."""

import re
from contextlib import suppress
from typing import Final

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from fastapi_app.market_conversation import TOO_BIG, TOO_SLOW, Conversation
from gateway.kit.compat import joined_lines
from shared_services.access import is_authorized
from shared_services.services import Services
from shared_services.settings import TradingSettings

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BEARER: Final = "bearer"
_PATIENCE: Final = 60.0  # seconds for a client that does not read to take the close frame
_REASONS: Final = {TOO_BIG: "frame too big", TOO_SLOW: "too slow"}

router = APIRouter()


@router.websocket("/ws/market/{client_id}")
async def market(socket: WebSocket, client_id: str) -> None:
    """Refused with 403 for a bad id or without the token."""
    services: Services = socket.state.services
    if not _CLIENT_ID.fullmatch(client_id) or not _may_connect(socket, services.settings):
        await socket.close()
        return
    await socket.accept(_BEARER if _BEARER in socket.scope["subprotocols"] else None)
    symbol = next(iter(socket.query_params.getlist("symbol")), "")
    code = await Conversation(socket, services.feed).hold(symbol)
    if code is not None:
        await _close(socket, code)


@router.websocket("/{path:path}")
async def nothing_here(socket: WebSocket) -> None:
    """404, where the server can say so."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await socket.send({"type": "websocket.http.response.body", "body": b""})
    else:
        await socket.close(1008, "no such WebSocket")


def _may_connect(socket: WebSocket, settings: TradingSettings) -> bool:
    """By a header, or by the subprotocols `bearer, <token>`: browsers can set nothing else."""
    headers = joined_lines(socket.scope["headers"])
    by_header = is_authorized(
        settings,
        authorization=headers.get(b"authorization", b"").decode("latin-1"),
        api_key=headers.get(b"x-api-key", b"").decode("latin-1"),
    )
    offered = " ".join(socket.scope["subprotocols"][:2])
    return by_header | is_authorized(settings, authorization=offered, api_key="")


async def _close(socket: WebSocket, code: int) -> None:
    """The frame waits until the client reads, and gives up when it does not."""
    with anyio.move_on_after(_PATIENCE), suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(code, _REASONS[code])
