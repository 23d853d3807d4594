"""What the risk routes are asked, read from bodies and queries."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from shared_services.errors import InvalidBody, InvalidQuery, ServiceError
from shared_services.numbers import decimal_of, number_of
from shared_services.orders.model import OrderCommand
from shared_services.orders.validation import parse
from shared_services.risk.model import GivenPosition, Odds

MISSING_ORDER: Final = "Missing required field: order_data"

_NAMES: Final = ("probability_buy", "probability_sell", "probability_hold", "confidence")
ASKED: Final = ("symbol", *_NAMES)
_TOLERANCE: Final = Decimal("1e-9")
_SUM_TOLERANCE: Final = Decimal("0.01") + _TOLERANCE
_UNKNOWN: Final = Odds(buy=0.33, sell=0.33, hold=0.34, confidence=0.5)

Json = Mapping[str, object]


def read_positions(body: Json) -> list[GivenPosition]:
    """Raises InvalidBody."""
    positions = {} if body.get("positions") is None else body["positions"]
    if not isinstance(positions, dict) or not all(
        isinstance(one, dict) for one in positions.values()
    ):
        raise InvalidBody("positions must be an object of position objects")
    found = [_position(symbol, one) for symbol, one in positions.items()]
    exposure = sum((one.size * one.entry_price for one in found), Decimal(0))
    if not math.isfinite(float(exposure)):
        raise InvalidBody("positions: the total exposure must be a finite number")
    return found


def _position(symbol: str, fields: Json) -> GivenPosition:
    size, entry = (_number(symbol, name, fields.get(name)) for name in ("size", "entry_price"))
    score, data = 0.5, fields.get("probability_data")
    if data is not None:
        if not isinstance(data, dict):
            raise InvalidBody(f"{symbol}: probability_data must be an object")
        score = _given_odds(symbol, data).risk_score
    return GivenPosition(symbol, size or Decimal(0), entry or Decimal(0), score)


def _given_odds(symbol: str, data: Json) -> Odds:
    """What is missing is assumed; what is given is taken as it is."""
    defaults = (_UNKNOWN.buy, _UNKNOWN.sell, _UNKNOWN.hold, _UNKNOWN.confidence)
    values = []
    for name, default in zip(_NAMES, defaults, strict=True):
        found = _number(symbol, name, data.get(name))
        values.append(default if found is None else float(found))
    return Odds(*values)


def _number(symbol: str, name: str, value: object) -> Decimal | None:
    """None if it is missing."""
    if value is None:
        return None
    found = number_of(value)
    if found is None:
        raise InvalidBody(f"{symbol}: {name} must be a number")
    return found


def read_odds(values: Mapping[str, object], error: type[ServiceError]) -> Odds:
    """Four values that must all be there and make sense; numeric text is a number here."""
    missing = [name for name in _NAMES if values.get(name) is None]
    if missing:
        raise error(f"Missing required parameters: {', '.join(missing)}")
    found = [decimal_of(values[name]) for name in _NAMES]
    numbers = []
    for name, number in zip(_NAMES, found, strict=True):
        if number is None or not -_TOLERANCE <= number <= 1 + _TOLERANCE:
            raise error(f"{name} must be between 0.0 and 1.0")
        numbers.append(number)
    if abs(sum(numbers[:3], Decimal(0)) - 1) > _SUM_TOLERANCE:
        raise error("Probabilities must sum to 1.0")
    return Odds(*(float(number) for number in numbers))


def read_score(query: Mapping[str, str | None]) -> tuple[str, Odds]:
    """Symbol and odds of a query; raises InvalidQuery."""
    missing = [name for name in ASKED if not query.get(name)]
    if missing:
        raise InvalidQuery(f"Missing required parameters: {', '.join(missing)}")
    return str(query["symbol"]), read_odds(query, InvalidQuery)


def read_order(body: Json) -> tuple[OrderCommand, Odds | None]:
    """An order, and what is thought of it; raises InvalidBody or InvalidOrder."""
    order = body.get("order_data")
    if not isinstance(order, dict):
        raise InvalidBody(MISSING_ORDER)
    if "type" in order and "order_type" not in order:
        order = {**order, "order_type": order["type"]}
    command = parse(order, None).command
    data = body.get("probability_data")
    if data is None:
        return command, None
    if not isinstance(data, dict):
        raise InvalidBody("probability_data must be an object")
    return command, read_odds(data, InvalidBody)
