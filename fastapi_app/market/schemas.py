"""Shapes of market data."""

from fastapi_app.schemas import Number, Wire


class CandleOut(Wire):
    timestamp: int
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number


class LevelOut(Wire):
    price: Number
    amount: Number


class OrderBookOut(Wire):
    symbol: str
    bids: list[LevelOut]
    asks: list[LevelOut]
    timestamp: int


class TickerOut(Wire):
    symbol: str
    bid: Number
    ask: Number
    last: Number
    volume: Number
    timestamp: int


class MarketOut(Wire):
    active: bool
    base: str
    quote: str
    type: str
    spot: bool
    margin: bool
    future: bool
    option: bool
    contract: bool
