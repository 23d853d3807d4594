"""What an order trades against a book, and whether its numbers are allowed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared_services.exchange.model import Instrument, Level, OrderRequest, Side
from shared_services.exchange.port import RefusedError
from shared_services.numbers import plain
from shared_services.symbols import CASH

FEE_RATE: Final = Decimal("0.001")
"""Part of the cost of a fill, charged in the quote currency."""

_FEE_STEP: Final = Decimal("0.00000001")


def walk(
    levels: Iterable[Level], side: Side, amount: Decimal, limit: Decimal | None
) -> list[Level]:
    """What `amount` takes of `levels` (best first), no price worse than `limit`."""
    taken: list[Level] = []
    for level in levels:
        if not amount or (limit is not None and is_worse(level.price, limit, side)):
            break
        part = min(amount, level.amount)
        taken.append(Level(level.price, part))
        amount -= part
    return taken


def is_worse(price: Decimal, limit: Decimal, side: Side) -> bool:
    return price > limit if side is Side.BUY else price < limit


@dataclass(frozen=True, slots=True)
class Need:
    """What an order must find available, before fees."""

    currency: str
    amount: Decimal


def need(request: OrderRequest, instrument: Instrument, taken: Iterable[Level]) -> Need:
    """A seller needs the amount; a buyer its limit price, or what a market order would take."""
    if request.side is Side.SELL:
        return Need(instrument.base, request.amount)
    if request.price is not None:
        return Need(instrument.quote, request.amount * request.price)
    return Need(instrument.quote, sum((part.price * part.amount for part in taken), Decimal(0)))


def check_numbers(request: OrderRequest, instrument: Instrument) -> None:
    """Raise RefusedError if the instrument does not allow the amount or the price."""
    _check_amount(request.amount, instrument)
    if request.price is not None:
        _check_price(request.price, instrument)


def fee_of(cost: Decimal) -> Decimal:
    """Rounded to eight decimals, so that balances keep within 28 digits."""
    return (cost * FEE_RATE).quantize(_FEE_STEP)


def insufficient(needed: Need, available: Decimal) -> RefusedError:
    """Cash with two decimals, others with eight."""
    digits = 2 if needed.currency in CASH else 8
    return RefusedError(
        f"Insufficient {needed.currency} balance: "
        f"need {needed.amount:.{digits}f}, available {available:.{digits}f}"
    )


def _check_amount(amount: Decimal, instrument: Instrument) -> None:
    minimum, maximum = instrument.minimum_amount, instrument.maximum_amount
    if amount < minimum:
        raise RefusedError(f"Minimum amount is {plain(minimum)} ({instrument.symbol})")
    if amount > maximum:
        raise RefusedError(f"Maximum amount is {plain(maximum)} ({instrument.symbol})")
    _check_decimals("Amount", amount, instrument.amount_decimals, instrument.symbol)


def _check_price(price: Decimal, instrument: Instrument) -> None:
    if price > instrument.maximum_price:
        maximum = plain(instrument.maximum_price)
        raise RefusedError(f"Maximum price is {maximum} ({instrument.symbol})")
    _check_decimals("Price", price, instrument.price_decimals, instrument.symbol)


def _check_decimals(name: str, value: Decimal, decimals: int, symbol: str) -> None:
    if value != round(value, decimals):
        raise RefusedError(f"{name} has more than {decimals} decimals ({symbol})")
