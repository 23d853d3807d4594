"""What the endpoints ask for."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, HTTPException, Request

from gateway.kit.compat import first_query, is_json, joined_header
from shared_services.jsonbody import MISSING_BODY, parse_object
from shared_services.jsonbody import JsonObject as Json
from shared_services.market.reading import read_levels
from shared_services.queries import parse_limit, require
from shared_services.services import Services

MAX_BODY = 16 * 1024 * 1024  # bytes
LARGE_BODY = 64 * 1024  # bytes; reading more of JSON would hold up the loop


async def _services(request: Request) -> Services:
    services: Services = request.state.services
    return services


def json_object(
    missing: str = MISSING_BODY, *, may_be_empty: bool = False
) -> Callable[[Request], Awaitable[Json]]:
    """A dependency: the body as a JSON object, numbers exact.

    Refuses, in this order: more than MAX_BODY, another content type, anything but an object;
    `missing` is what the refusal of none says.
    """

    async def read_object(request: Request) -> Json:
        raw = await _read(request)
        if not is_json(request.headers.get("Content-Type")):
            raise HTTPException(415)
        parse = partial(parse_object, raw, missing=missing, may_be_empty=may_be_empty)
        return await to_thread.run_sync(parse) if len(raw) > LARGE_BODY else parse()

    return read_object


async def _read(request: Request) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            raise HTTPException(413)
    return bytes(raw)


SymbolText = Annotated[str | None, Depends(first_query("symbol", "Unified symbol, `BTC/USD`"))]
LimitText = Annotated[str | None, Depends(first_query("limit", "How many at most"))]


async def required_symbol(symbol: SymbolText) -> str:
    return require("symbol", symbol)


async def _history_limit(limit: LimitText) -> int:
    return parse_limit(limit, default=50, cap=1000)


async def _levels(limit: LimitText) -> int:
    return read_levels(limit)


TradingServices = Annotated[Services, Depends(_services)]
JsonObject = Annotated[Json, Depends(json_object())]
IdempotencyKey = Annotated[
    str | None, Depends(joined_header("Idempotency-Key", "The order is placed once per key"))
]
HistoryLimit = Annotated[int, Depends(_history_limit)]
Levels = Annotated[int, Depends(_levels)]
"""Of each side of an order book."""
