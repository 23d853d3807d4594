"""What the live routes are asked, read from queries and bodies."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from shared_services.errors import InvalidBody, InvalidQuery
from shared_services.exchange.model import Side
from shared_services.live.model import TradeQuestion
from shared_services.numbers import decimal_of

DEFAULT_SYMBOLS: Final = ("BTC/USD", "ETH/USD")
MISSING_BODY: Final = "No JSON data provided"

_REQUIRED: Final = ("symbol", "amount", "type")
_MISSING_FIELDS: Final = f"Missing required fields: {', '.join(_REQUIRED)}"
_BAD_AMOUNT: Final = "Invalid amount format"


def read_symbols(text: str | None) -> tuple[str, ...]:
    """Each symbol once, in the order of the list; the default ones if there is none."""
    parts = (part.strip() for part in (text or "").split(","))
    return tuple(dict.fromkeys(part for part in parts if part)) or DEFAULT_SYMBOLS


def read_position(symbol: str | None, amount: str | None) -> tuple[str, Decimal]:
    """Raises InvalidQuery."""
    if not symbol or not amount:
        raise InvalidQuery("Missing required parameters: symbol, amount")
    number = decimal_of(amount)
    if number is None:
        raise InvalidQuery(_BAD_AMOUNT)
    return symbol, number


def read_trade(body: Mapping[str, object]) -> TradeQuestion:
    """Raises InvalidBody for the first thing that is wrong."""
    symbol, amount, side = (body.get(name) for name in _REQUIRED)
    if not (symbol and amount and side) or not isinstance(symbol, str):
        raise InvalidBody(_MISSING_FIELDS)
    number = decimal_of(amount)
    if number is None:
        raise InvalidBody(_BAD_AMOUNT)
    if number <= 0:
        raise InvalidBody("Amount must be positive")
    if not isinstance(side, str) or side not in set(Side):
        raise InvalidBody('Invalid trade type. Must be "buy" or "sell"')
    return TradeQuestion(symbol, number, Side(side))


def value_of(amount: Decimal, price: Decimal) -> Decimal:
    """Raises InvalidQuery for an amount so large that no client could read its value."""
    value = amount * price
    if not math.isfinite(float(value)):
        raise InvalidQuery(_BAD_AMOUNT)
    return value
