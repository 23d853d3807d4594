"""What goes over the socket: JSON texts, keys sorted, without blanks. Pure."""

import json
from typing import Final

from shared_services.exchange.model import Level, OrderBook, Ticker, Trade
from shared_services.feed.model import Channel, Item, Outage, Payload
from shared_services.wire import iso_z, number

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def acknowledgement(symbol: str, channel: Channel, status: str) -> str:
    """`status` is `subscribed` or `unsubscribed`; `symbol` as the client wrote it, here and below."""
    return _ENCODER.encode({"channel": channel, "status": status, "symbol": symbol})


def error(text: str) -> str:
    """An answer to a frame that cannot be followed."""
    return _ENCODER.encode({"error": text})


def item_frame(symbol: str, channel: Channel, item: Item) -> str:
    """What a subscription has to tell."""
    if isinstance(item, Outage):
        text = f"Market data unavailable: {item.reason}"
        return _ENCODER.encode({"channel": channel, "error": text, "symbol": symbol})
    data = _data(item.payload)
    return _ENCODER.encode({"data": data, "seq": item.seq, "symbol": symbol, "type": channel})


def _data(payload: Payload) -> object:
    match payload:
        case Ticker():
            return _ticker(payload)
        case OrderBook():
            return _order_book(payload)
        case trades:
            return [_trade(trade) for trade in trades]


def _ticker(ticker: Ticker) -> dict[str, object]:
    return {
        "ask": number(ticker.ask),
        "bid": number(ticker.bid),
        "price": number(ticker.last),
        "timestamp": iso_z(ticker.timestamp),
        "volume": number(ticker.volume),
    }


def _order_book(book: OrderBook) -> dict[str, object]:
    return {
        "asks": [_level(level) for level in book.asks],
        "bids": [_level(level) for level in book.bids],
        "symbol": book.symbol,
        "timestamp": book.timestamp,
    }


def _level(level: Level) -> dict[str, float]:
    return {"amount": number(level.amount), "price": number(level.price)}


def _trade(trade: Trade) -> dict[str, object]:
    return {
        "amount": number(trade.amount),
        "id": trade.id,
        "price": number(trade.price),
        "timestamp": trade.timestamp,
    }
