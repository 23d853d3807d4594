"""ccxt's dictionaries as what the port speaks of. What is missing or odd raises as Python does."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

from shared_services.exchange.model import (
    Balance,
    Candle,
    Instrument,
    Level,
    Listing,
    OrderBook,
    Ticker,
    Trade,
)

Raw: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

_TICK_SIZE: Final = 4  # ccxt.TICK_SIZE
_SIGNIFICANT_DIGITS: Final = 3  # ccxt.SIGNIFICANT_DIGITS
_MOST_DECIMALS: Final = 8  # of a price with significant digits, as Bitfinex has them
_SUMMARIES: Final = frozenset({"info", "timestamp", "datetime", "free", "used", "total", "debt"})


def instruments(markets: Mapping[str, Raw], mode: int) -> Mapping[str, Instrument]:
    """What can be traded spot now."""
    return {
        symbol: _instrument(market, mode)
        for symbol, market in markets.items()
        if market["spot"] and market["active"] is not False
    }


def listing(market: Raw) -> Listing:
    return Listing(
        symbol=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        active=market["active"] is not False,  # None: the exchange does not tell
        type=market["type"],
        spot=bool(market["spot"]),
        margin=bool(market["margin"]),
        future=bool(market["future"]),
        option=bool(market["option"]),
        contract=bool(market["contract"]),
    )


def ticker(raw: Raw, now: int) -> Ticker:
    """`now` is the time of receipt, for an exchange that gives none."""
    return Ticker(
        symbol=raw["symbol"],
        bid=number(raw["bid"]),
        ask=number(raw["ask"]),
        last=number(raw["last"]),
        timestamp=raw["timestamp"] or now,
        volume=number(raw["baseVolume"]),
        change=optional(raw["change"]),
        change_percent=optional(raw["percentage"]),
    )


def candle(raw: list[Any]) -> Candle:
    timestamp, *values = raw
    opened, high, low, close, volume = map(number, values)
    return Candle(int(timestamp), opened, high, low, close, volume)


def order_book(raw: Raw, limit: int, now: int) -> OrderBook:
    bids, asks = (
        tuple(Level(number(level[0]), number(level[1])) for level in raw[side][:limit])
        for side in ("bids", "asks")
    )
    return OrderBook(raw["symbol"], bids, asks, raw["timestamp"] or now)


def trade(raw: Raw) -> Trade:
    amount = number(raw["amount"])
    signed = -amount if raw["side"] == "sell" else amount
    return Trade(raw["id"], number(raw["price"]), signed, int(raw["timestamp"]))


def balances(raw: Raw) -> list[Balance]:
    """ccxt passes over what it cannot read, and would tell of an empty account."""
    if not all(isinstance(wallet, list) for wallet in raw["info"]):
        raise TypeError(f"no wallets: {raw['info']!r}")
    return [
        Balance(currency, number(one["total"]), number(one["free"]))
        for currency, one in raw.items()
        if currency not in _SUMMARIES
    ]


def number(value: object) -> Decimal:
    """An exact finite number; a float has lost digits on its way, and None is no 0."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError(f"no exact number: {value!r}")
    exact = Decimal(value)
    if not exact.is_finite():
        raise ValueError(f"not finite: {value!r}")
    return exact


def optional(value: object) -> Decimal | None:
    return None if value is None else number(value)


def once(items: Iterable[T], key: Callable[[T], object]) -> list[T]:
    """Without what an exchange tells twice: the latest of each `key`, in the order of the first."""
    return list({key(item): item for item in items}.values())


def _instrument(market: Raw, mode: int) -> Instrument:
    limits = market["limits"]
    return Instrument(
        symbol=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        price_decimals=_decimals(market["precision"]["price"], mode),
        amount_decimals=_decimals(market["precision"]["amount"], mode, whole=True),
        minimum_amount=optional(limits["amount"]["min"]) or Decimal(0),
        maximum_amount=optional(limits["amount"]["max"]) or Decimal("Infinity"),
        maximum_price=optional(limits["price"]["max"]) or Decimal("Infinity"),
    )


def _decimals(precision: object, mode: int, *, whole: bool = False) -> int:
    """At most so many; significant digits, where amounts still count in decimals, tell no number."""
    if precision is None or (mode == _SIGNIFICANT_DIGITS and not whole):
        return _MOST_DECIMALS
    if mode == _TICK_SIZE:
        exponent = number(precision).normalize().as_tuple().exponent
        return max(0, -int(exponent))
    return int(number(precision))
