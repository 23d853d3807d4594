"""Endpoints of the order books of several exchanges."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from fastapi_app.dependencies import Levels, TradingServices
from fastapi_app.orderbook.schemas import MergedBookOut, VenueBookOut
from gateway.kit.compat import first_query
from shared_services.orderbook.model import MergedBook

router = APIRouter(prefix="/api/orderbook", tags=["order books"])

Symbol = Annotated[str, Path(description="Compact symbol, `BTCUSD`")]
ExchangeId = Annotated[
    str | None, Depends(first_query("exchange", "A configured id; by default the first"))
]


@router.get("/{symbol}", response_model=VenueBookOut)
async def get_book(
    symbol: Symbol, exchange: ExchangeId, limit: Levels, services: TradingServices
) -> VenueBookOut:
    """The book of one exchange."""
    return VenueBookOut.of(await services.orderbook.book(symbol, exchange, limit))


@router.get("/{symbol}/aggregate", response_model=MergedBookOut)
async def get_aggregate(symbol: Symbol, limit: Levels, services: TradingServices) -> MergedBook:
    """The books of all exchanges as one; who fails is named in `errors`."""
    return await services.orderbook.aggregate(symbol, limit)
