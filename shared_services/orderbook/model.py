"""Order books of several exchanges as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared_services.exchange.model import OrderBook


@dataclass(frozen=True, slots=True)
class VenueBook:
    """The book of one exchange."""

    exchange: str
    book: OrderBook


@dataclass(frozen=True, slots=True)
class MergedLevel:
    """One price; `exchanges` says who offers what of the amount."""

    price: Decimal
    amount: Decimal
    exchanges: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class MergedBook:
    """Best level first. `exchanges` answered, `errors` says why the others did not.

    `timestamp` (ms) is that of the oldest book; `crossed`: the best bid is not below the best ask.
    """

    symbol: str
    bids: tuple[MergedLevel, ...]
    asks: tuple[MergedLevel, ...]
    exchanges: tuple[str, ...]
    errors: Mapping[str, str]
    crossed: bool
    timestamp: int
