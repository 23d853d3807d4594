"""Market data and order books."""

from collections.abc import Sequence

from legacy_flask.wire import Json
from shared_services.exchange.model import Candle, Level, Listing, OrderBook, Ticker
from shared_services.orderbook.model import MergedBook, MergedLevel, VenueBook
from shared_services.wire import number


def candle(value: Candle) -> Json:
    return {
        "timestamp": value.timestamp,
        "open": number(value.open),
        "high": number(value.high),
        "low": number(value.low),
        "close": number(value.close),
        "volume": number(value.volume),
    }


def order_book(value: OrderBook) -> Json:
    return {
        "symbol": value.symbol,
        "bids": _levels(value.bids),
        "asks": _levels(value.asks),
        "timestamp": value.timestamp,
    }


def ticker(value: Ticker) -> Json:
    return {
        "symbol": value.symbol,
        "bid": number(value.bid),
        "ask": number(value.ask),
        "last": number(value.last),
        "volume": number(value.volume),
        "timestamp": value.timestamp,
    }


def markets(values: Sequence[Listing]) -> Json:
    return {value.symbol: _market(value) for value in values}


def venue_book(value: VenueBook) -> Json:
    return order_book(value.book) | {"exchange": value.exchange}


def merged_book(value: MergedBook) -> Json:
    return {
        "symbol": value.symbol,
        "bids": [_merged_level(level) for level in value.bids],
        "asks": [_merged_level(level) for level in value.asks],
        "exchanges": list(value.exchanges),
        "crossed": value.crossed,
        "timestamp": value.timestamp,
        **({"errors": dict(value.errors)} if value.errors else {}),
    }


def _levels(values: Sequence[Level]) -> list[Json]:
    return [{"price": number(level.price), "amount": number(level.amount)} for level in values]


def _merged_level(value: MergedLevel) -> Json:
    return {
        "price": number(value.price),
        "amount": number(value.amount),
        "exchanges": {name: number(amount) for name, amount in value.exchanges.items()},
    }


def _market(value: Listing) -> Json:
    return {
        "active": value.active,
        "base": value.base,
        "quote": value.quote,
        "type": value.type,
        "spot": value.spot,
        "margin": value.margin,
        "future": value.future,
        "option": value.option,
        "contract": value.contract,
    }
