"""What the portfolio routes are asked, read from bodies; everything raises InvalidBody."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from shared_services.config.model import STRATEGY_NAMES
from shared_services.errors import InvalidBody
from shared_services.numbers import number_of
from shared_services.portfolio.model import Profile, RiskProfile, SymbolSignals
from shared_services.strategies.model import PROBABILITIES, Action, Probabilities, Signal

_BAD_SIGNALS: Final = "Invalid signals"
_BAD_TARGETS: Final = "Invalid target allocations"
_ODDS: Final = ("probability_buy", "probability_sell", "probability_hold")
_DEFAULT_PART: Final = Decimal("0.8")

Json = Mapping[str, object]


def read_signals(body: Json) -> list[SymbolSignals]:
    """By symbol, in the order of first appearance; of one source the last signal counts."""
    sent = body.get("signals")
    if not isinstance(sent, list) or not sent:
        raise InvalidBody(_BAD_SIGNALS, details=("signals must be a non-empty list",))
    problems = [
        problem for place, one in enumerate(sent) for problem in _wrong(f"signals[{place}]", one)
    ]
    if problems:
        raise InvalidBody(_BAD_SIGNALS, details=tuple(problems))
    by_symbol: dict[str, dict[str, Signal]] = {}
    prices: dict[str, Decimal] = {}
    for one in sent:
        signals = by_symbol.setdefault(one["symbol"], {})
        if one["source"] in STRATEGY_NAMES:
            signals[one["source"]] = _signal(one)
        price = number_of(one.get("price"))
        if price is not None:
            prices.setdefault(one["symbol"], price)
    return [SymbolSignals(name, signals, prices.get(name)) for name, signals in by_symbol.items()]


def read_profile(body: Json) -> Profile:
    """`risk_profile` and `max_allocation_percent`."""
    profile = RiskProfile.MODERATE if body.get("risk_profile") is None else body["risk_profile"]
    if not isinstance(profile, str) or profile not in set(RiskProfile):
        raise InvalidBody("risk_profile must be 'conservative', 'moderate' or 'aggressive'")
    part: Decimal | None = _DEFAULT_PART
    if body.get("max_allocation_percent") is not None:
        part = number_of(body["max_allocation_percent"])
    if part is None or not 0 <= part <= 1:
        raise InvalidBody("max_allocation_percent must be between 0.0 and 1.0")
    return Profile(RiskProfile(profile), part)


def read_targets(body: Json) -> dict[str, Decimal]:
    """Percent of the portfolio value, by symbol."""
    sent = body.get("target_allocations")
    if not isinstance(sent, list) or not sent:
        raise InvalidBody(_BAD_TARGETS, details=("target_allocations must be a non-empty list",))
    problems = [
        problem
        for place, one in enumerate(sent)
        for problem in _wrong_target(f"target_allocations[{place}]", one)
    ]
    symbols = [one["symbol"] for one in sent] if not problems else []
    problems += [
        f"{name} is there twice" for name in dict.fromkeys(symbols) if symbols.count(name) > 1
    ]
    targets = (
        {one["symbol"]: number_of(one["percentage"]) or Decimal(0) for one in sent}
        if not problems
        else {}
    )
    if sum(targets.values(), Decimal(0)) > 100:
        problems = ["The percentages must not sum to more than 100"]
    if problems:
        raise InvalidBody(_BAD_TARGETS, details=tuple(problems))
    return targets


def _wrong(name: str, one: object) -> Iterator[str]:
    if not isinstance(one, dict):
        yield f"{name} must be an object"
        return
    for key in ("symbol", "source"):
        if not _is_text(one.get(key)):
            yield f"{name}.{key} must be a non-empty string"
    if not isinstance(one.get("signal_type"), str) or one["signal_type"] not in set(Action):
        yield f"{name}.signal_type must be 'buy', 'sell' or 'hold'"
    if not _is_fraction(one.get("confidence")):
        yield f"{name}.confidence must be between 0.0 and 1.0"
    price = one.get("price")
    if price is not None and (number_of(price) or Decimal(0)) <= 0:
        yield f"{name}.price must be a number above 0"
    yield from _wrong_indicators(f"{name}.indicators", one.get("indicators"))


def _wrong_indicators(name: str, value: object) -> Iterator[str]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield f"{name} must be an object"
        return
    for key in _ODDS:
        if value.get(key) is not None and not _is_fraction(value[key]):
            yield f"{name}.{key} must be between 0.0 and 1.0"


def _wrong_target(name: str, one: object) -> Iterator[str]:
    if not isinstance(one, dict):
        yield f"{name} must be an object"
        return
    if not _is_text(one.get("symbol")):
        yield f"{name}.symbol must be a non-empty string"
    part = number_of(one.get("percentage"))
    if part is None or not 0 <= part <= 100:
        yield f"{name}.percentage must be between 0 and 100"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_fraction(value: object) -> bool:
    number = number_of(value)
    return number is not None and 0 <= number <= 1


def _signal(one: Json) -> Signal:
    action = Action(str(one["signal_type"]))
    return Signal(
        action=action,
        confidence=float(number_of(one["confidence"]) or 0),
        position_size=1.0,
        probabilities=_probabilities(one.get("indicators"), PROBABILITIES[action]),
    )


def _probabilities(indicators: object, default: Probabilities) -> Probabilities:
    """Those given, the others by the action."""
    given = indicators if isinstance(indicators, dict) else {}
    buy, sell, hold = (
        assumed if given.get(name) is None else float(number_of(given[name]) or 0)
        for name, assumed in zip(_ODDS, (default.buy, default.sell, default.hold), strict=True)
    )
    return Probabilities(buy=buy, sell=sell, hold=hold)
