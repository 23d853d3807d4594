"""What Bitfinex v2 says is arrays: https://docs.bitfinex.com/reference"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from shared_services.exchange.model import (
    Candle,
    ExchangeOrder,
    Fill,
    Instrument,
    MarginPosition,
    OrderBook,
    OrderStatus,
    OrderType,
    Side,
    Ticker,
    Trade,
)

SUCCESS = "SUCCESS"


def encode(value: Any) -> str:
    """As JSON; a Decimal is a number with all of its digits, which is more than a float can hold."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | tuple):
        return f"[{','.join(map(encode, value))}]"
    return json.dumps(value)


def market_id(symbol: str) -> str:
    """`tBTCUSD` for `BTC/USD`, `tTESTBTC:TESTUSD` for longer ones."""
    base, quote = symbol.split("/")
    return f"t{base}{quote}" if len(base) == len(quote) == 3 else f"t{base}:{quote}"


def symbol_of(market: str) -> str:
    pair = market.removeprefix("t")
    base, quote = pair.split(":") if ":" in pair else (pair[:3], pair[3:])
    return f"{base}/{quote}"


def pair_info(one: Instrument) -> list[Any]:
    limits = [None] * 3 + [str(one.minimum_amount), str(one.maximum_amount)] + [None] * 7
    return [market_id(one.symbol)[1:], limits]


def ticker(one: Ticker) -> list[Any]:
    change = one.change or Decimal(0)
    relative = (one.change_percent or Decimal(0)) / 100
    size = Decimal(1)
    return [one.bid, size, one.ask, size, change, relative, one.last, one.volume, one.ask, one.bid]


def candle(one: Candle) -> list[Any]:
    return [one.timestamp, one.open, one.close, one.high, one.low, one.volume]


def book(one: OrderBook) -> list[Any]:
    bids = [[level.price, 1, level.amount] for level in one.bids]
    return bids + [[level.price, 1, -level.amount] for level in one.asks]


def public_trade(one: Trade) -> list[Any]:
    return [int(one.id), one.timestamp, one.amount, one.price]


def wallet(currency: str, total: Decimal, available: Decimal) -> list[Any]:
    return ["exchange", currency, total, 0, available, None, None]


def order(one: ExchangeOrder, fills: Iterable[Fill]) -> list[Any]:
    sign = 1 if one.side is Side.BUY else -1
    changed = max([one.timestamp, *(fill.timestamp for fill in fills if fill.order_id == one.id)])
    array: list[Any] = [None] * 32
    array[:9] = [
        *(int(one.id), None, _cid(one.client_id), market_id(one.symbol)),
        *(one.timestamp, changed, sign * one.remaining, sign * one.amount),
        f"EXCHANGE {one.type.upper()}",
    ]
    array[12:14] = [0, _status(one)]
    array[16:20] = [one.price or Decimal(0), one.average, 0, 0]
    array[23:25] = [0, 0]
    array[28] = "API>BFX"
    array[31] = {}
    return array


def own_trade(one: Fill) -> list[Any]:
    """The fee of a buy is in the base currency."""
    buys = one.side is Side.BUY
    base, quote = one.symbol.split("/")
    fee = one.fee / one.price if buys else one.fee
    return [
        *(int(one.id), market_id(one.symbol), one.timestamp, int(one.order_id)),
        *(one.amount if buys else -one.amount, one.price, "EXCHANGE MARKET", None, -1),
        *(-fee, base if buys else quote, None),
    ]


def position(one: MarginPosition) -> list[Any]:
    amount = one.amount if one.side == "long" else -one.amount
    share = one.pnl_percentage / 100
    return [
        *(market_id(one.symbol), "ACTIVE", amount, one.entry_price, 0, 0, one.pnl, share),
        *(Decimal("1.5"), one.leverage, None, int(one.id), one.timestamp, one.timestamp),
        *(None, 0, None, one.collateral, one.maintenance_margin, None),
    ]


def notice(kind: str, content: Any, status: str = SUCCESS, text: str = "") -> Sequence[Any]:
    return [1, kind, None, None, content, None, status, text]


def error(code: int, text: str) -> Sequence[Any]:
    return ["error", code, text]


def _cid(client_id: str | None) -> int | None:
    return int(client_id) if client_id is not None and client_id.isdigit() else None


def _status(one: ExchangeOrder) -> str:
    done = f"@ {one.average:f}({one.filled:f})"
    match one.status:
        case OrderStatus.OPEN:
            return f"PARTIALLY FILLED {done}" if one.filled else "ACTIVE"
        case OrderStatus.CLOSED:
            return f"EXECUTED {done}"
        case _:
            return f"CANCELED was: PARTIALLY FILLED {done}" if one.filled else "CANCELED"


def order_type(text: str) -> OrderType:
    return OrderType(text.rsplit(" ", maxsplit=1)[-1].lower())
