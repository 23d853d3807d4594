"""Endpoints of the market data."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from fastapi_app.dependencies import Levels, LimitText, TradingServices
from fastapi_app.market.schemas import CandleOut, MarketOut, OrderBookOut, TickerOut
from gateway.kit.compat import first_query
from shared_services.exchange.model import TIMEFRAMES, Candle, Listing, OrderBook, Ticker
from shared_services.market.reading import read_bars, read_timeframe

router = APIRouter(prefix="/api/market", tags=["market data"])

Symbol = Annotated[str, Path(description="Compact symbol, `BTCUSD`")]
_TimeframeText = Annotated[
    str | None, Depends(first_query("timeframe", f"One of {', '.join(TIMEFRAMES)}"))
]


async def _timeframe(timeframe: _TimeframeText) -> str:
    return read_timeframe(timeframe)


async def _bars(limit: LimitText) -> int:
    return read_bars(limit)


Timeframe = Annotated[str, Depends(_timeframe)]
Bars = Annotated[int, Depends(_bars)]


@router.get("/ohlcv/{symbol}", response_model=list[CandleOut])
async def get_ohlcv(
    symbol: Symbol, timeframe: Timeframe, limit: Bars, services: TradingServices
) -> list[Candle]:
    """Bars, oldest first."""
    return await services.market.candles(symbol, timeframe, limit)


@router.get("/orderbook/{symbol}", response_model=OrderBookOut)
async def get_order_book(symbol: Symbol, limit: Levels, services: TradingServices) -> OrderBook:
    """The trading exchange's book, best level first."""
    return await services.market.order_book(symbol, limit)


@router.get("/ticker/{symbol}", response_model=TickerOut)
async def get_ticker(symbol: Symbol, services: TradingServices) -> Ticker:
    """Best prices, the last one, and the volume of a day."""
    return await services.market.ticker(symbol)


@router.get("/markets", response_model=dict[str, MarketOut])
async def get_markets(services: TradingServices) -> dict[str, Listing]:
    """Active markets by unified symbol."""
    return {market.symbol: market for market in await services.market.markets()}
