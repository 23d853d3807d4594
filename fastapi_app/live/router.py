"""Endpoints of the live portfolio."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from fastapi_app.dependencies import TradingServices, json_object
from fastapi_app.errors import service_error
from fastapi_app.live.schemas import (
    LiveError,
    MarketOverviewOut,
    PerformanceOut,
    PositionValueOut,
    SnapshotOut,
    TradeIn,
    VerdictOut,
)
from fastapi_app.openapi import refusals, request_body
from gateway.kit.compat import first_query
from shared_services.errors import ServiceError
from shared_services.jsonbody import JsonObject
from shared_services.live.model import (
    MarketOverview,
    Performance,
    PositionValue,
    Snapshot,
    Verdict,
)
from shared_services.live.reading import MISSING_BODY, read_position, read_symbols, read_trade


class LiveRoute(APIRoute):
    """Of this family alone also the errors say a status."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_errors(request: Request) -> Response:
            try:
                return await handle(request)
            except ServiceError as error:
                return await service_error(request, error, status="error")

        return handle_errors


router = APIRouter(
    prefix="/api/live-portfolio",
    tags=["live portfolio"],
    route_class=LiveRoute,
    responses=refusals(400, 503, model=LiveError),
)

_SymbolsText = Annotated[
    str | None, Depends(first_query("symbols", "Unified symbols, `BTC/USD,ETH/USD`"))
]


async def _symbols(symbols: _SymbolsText) -> tuple[str, ...]:
    return read_symbols(symbols)


Symbols = Annotated[tuple[str, ...], Depends(_symbols)]
SymbolText = Annotated[str | None, Depends(first_query("symbol", "Unified symbol, `BTC/USD`"))]
AmountText = Annotated[str | None, Depends(first_query("amount", "In the base currency"))]
Timeframe = first_query("timeframe", "Has no effect")
Trade = Annotated[JsonObject, Depends(json_object(MISSING_BODY))]


@router.get("/snapshot", response_model=SnapshotOut)
async def get_snapshot(symbols: Symbols, services: TradingServices) -> Snapshot:
    """All cash, and what is held of the symbols, at the prices of now."""
    return await services.live.snapshot(symbols)


@router.get("/position-value", response_model=PositionValueOut)
async def get_position_value(
    symbol: SymbolText, amount: AmountText, services: TradingServices
) -> PositionValue:
    """What an amount is worth."""
    return await services.live.position_value(*read_position(symbol, amount))


@router.post(
    "/validate-trade",
    response_model=VerdictOut,
    openapi_extra=request_body(TradeIn),
)
async def validate_trade(body: Trade, services: TradingServices) -> Verdict:
    """Whether the account could pay or deliver; 200 for both outcomes."""
    return await services.live.validate_trade(read_trade(body))


@router.get("/performance", response_model=PerformanceOut, dependencies=[Depends(Timeframe)])
async def get_performance(services: TradingServices) -> Performance:
    """The snapshot of the default symbols in figures."""
    return await services.live.performance()


@router.get("/market-overview", response_model=MarketOverviewOut)
async def get_market_overview(symbols: Symbols, services: TradingServices) -> MarketOverview:
    """Bars, ticker and order book of each symbol; one that fails stands in its place."""
    return await services.live.market_overview(symbols)
