"""What the backtest and strategy routes are asked, read from bodies.

Everything raises a kind of Invalid, for the first thing that is wrong or for all of one kind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from math import prod
from typing import Final, cast

from shared_services.backtest.model import Costs, RunRequest
from shared_services.backtest.prices import Prices, columns_of, read_prices, read_rows, read_times
from shared_services.config.model import TradingConfig
from shared_services.errors import (
    InsufficientData,
    InvalidBody,
    InvalidParameters,
    InvalidPrices,
    UnknownStrategy,
)
from shared_services.numbers import number_of
from shared_services.risk.model import RiskParameters
from shared_services.rules import Rule, number
from shared_services.strategies.catalogue import STRATEGIES
from shared_services.strategies.parameters import problems_of, read_parameters, rules
from shared_services.strategies.zones import BEARISH, BULLISH, Zone, zones
from shared_services.wire import is_readable

MISSING_FIELDS: Final = "Missing required fields"
MISSING_DATA: Final = "Missing 'data' field"
NO_STRATEGY: Final = "Unknown strategy: None"
NO_DATA: Final = "No JSON data provided"
MAX_COMBINATIONS: Final = 1000

_NO_ANALYSIS: Final = "Backtest analysis failed"

Json = Mapping[str, object]


def _fraction(value: object) -> Decimal:
    found = number_of(value)
    if found is None or not 0 <= found < 1:
        raise ValueError(value)
    return found


def _distance(value: object) -> Decimal:
    found = _fraction(value)
    if not found:
        raise ValueError(value)
    return found


_MONEY: Final = number(0, above=True)
_COST: Final = Rule("at least 0 and less than 1", _fraction)
_COSTS: Final = {"initial_capital": _MONEY, "commission": _COST, "slippage": _COST}
_RISK: Final = {
    "max_position_size": number(0, 1, above=True),
    "stop_loss_pct": Rule("above 0 and less than 1", _distance),
    "take_profit_pct": _MONEY,
}


@dataclass(frozen=True, slots=True)
class Combination:
    """One of a grid: its values as sent, and the run that they stand for."""

    values: Json
    request: RunRequest


def read_run(body: Json, config: TradingConfig) -> tuple[RunRequest, Prices]:
    """A backtest and what it runs on."""
    strategy, prices = _strategy_and_prices(body, "strategy", "data")
    raw = _parameters(body)
    costs, problems = _costs(raw, config.risk)
    problems += problems_of(strategy, raw)
    if problems:
        raise InvalidParameters("Invalid parameters", details=tuple(problems))
    given = read_parameters(strategy, raw)
    known = STRATEGIES[strategy]
    if len(prices) < known.needs(given):
        raise InsufficientData(
            f"Insufficient data for {known.short}: "
            f"need at least {known.needs(given)} data points, got {len(prices)}"
        )
    return RunRequest(strategy, given, costs), prices


def read_grid(body: Json, config: TradingConfig) -> tuple[list[Combination], Prices]:
    """Every combination that can be run; InvalidBody if none can."""
    strategy, prices = _strategy_and_prices(body, "strategy", "data", "param_grid")
    raw = _parameters(body)
    costs, problems = _costs(raw, config.risk)
    problems += problems_of(strategy, raw, alone=True)
    if problems:
        raise InvalidParameters("Invalid parameters", details=tuple(problems))
    grid = _grid(body["param_grid"], strategy)
    found = []
    for values in product(*grid.values()):
        combination = dict(zip(grid, values, strict=True))
        request = _runnable(strategy, {**raw, **combination}, costs, prices)
        if request is not None and None not in values:
            found.append(Combination(combination, request))
    if not found:
        raise InvalidBody("No valid parameter combination")
    return found, prices


def read_analysis(body: Json) -> tuple[str, object]:
    """Strategy and results of an echo; only the times of its data are judged."""
    names = ("strategy", "data", "results")
    if any(body.get(name) is None for name in names):
        raise InvalidBody(MISSING_FIELDS)
    strategy = read_strategy(body["strategy"])
    try:
        read_times(columns_of(body["data"], "timestamp")["timestamp"])
    except InvalidPrices as error:
        raise InvalidBody(_NO_ANALYSIS, details=error.error) from error
    if not is_readable(body["results"]):
        raise InvalidBody(_NO_ANALYSIS, details="results must hold finite numbers only")
    return strategy, body["results"]


def read_strategy(value: object) -> str:
    if not isinstance(value, str) or value not in STRATEGIES:
        raise UnknownStrategy(f"Unknown strategy: {value}")
    return value


def read_zones(body: Json) -> list[Zone[Decimal]]:
    """The fair value gaps that a client asks for: of one pass, exact."""
    if body.get("data") is None:
        raise InvalidBody(MISSING_DATA)
    high, low = _high_and_low(body["data"])
    smallest = Decimal(0) if body.get("min_gap_size") is None else number_of(body["min_gap_size"])
    if smallest is None or smallest < 0:
        raise InvalidBody("min_gap_size must be a number of at least 0")
    direction = "both" if body.get("direction") is None else body["direction"]
    if not isinstance(direction, str) or direction not in {BULLISH, BEARISH, "both"}:
        raise InvalidBody("direction must be 'bullish', 'bearish' or 'both'")
    return zones(high, low, smallest, direction)


def _high_and_low(data: object) -> tuple[list[Decimal], list[Decimal]]:
    columns = columns_of(data)
    if not {"high", "low"} <= columns.keys():
        if data == []:
            return [], []
        raise InvalidBody("Data must contain columns: ['high', 'low']")
    high, low = ([number_of(one) for one in columns[name]] for name in ("high", "low"))
    if len(high) != len(low) or None in high or None in low:
        raise InvalidBody("Invalid data format")
    return cast("list[Decimal]", high), cast("list[Decimal]", low)


def _strategy_and_prices(body: Json, *required: str) -> tuple[str, Prices]:
    if any(body.get(name) is None for name in required):
        raise InvalidBody(MISSING_FIELDS)
    strategy = read_strategy(body["strategy"])
    return strategy, read_prices(body["data"], STRATEGIES[strategy].columns)


def _parameters(body: Json) -> Json:
    raw = {} if body.get("parameters") is None else body["parameters"]
    if not isinstance(raw, dict):
        raise InvalidParameters("Invalid parameters", details=("parameters must be an object",))
    if not is_readable(raw):
        detail = "parameters must hold finite numbers only"
        raise InvalidParameters("Invalid parameters", details=(detail,))
    return raw


def _costs(raw: Json, risk: RiskParameters) -> tuple[Costs, list[str]]:
    """With what is wrong; the costs are of use only if nothing is."""
    limits = {} if raw.get("risk_params") is None else raw["risk_params"]
    problems: list[str] = []
    if not isinstance(limits, dict):
        problems, limits = ["risk_params must be an object"], {}
    costs = dict(_read(_COSTS, raw, "", problems))
    risks = dict(_read(_RISK, limits, "risk_params.", problems))
    return Costs(
        initial_capital=costs.get("initial_capital", Decimal(10_000)),
        commission=costs.get("commission", Decimal("0.001")),
        slippage=costs.get("slippage", Decimal("0.0005")),
        max_position_size=risks.get("max_position_size", risk.max_position_size),
        stop=risks.get("stop_loss_pct", risk.stop_loss_percent / 100),
        target=risks.get("take_profit_pct", risk.take_profit_percent / 100),
    ), problems


def _read(
    known: Mapping[str, Rule], raw: Json, prefix: str, problems: list[str]
) -> Iterator[tuple[str, Decimal]]:
    """What is given and right; what is wrong goes to `problems`."""
    for name, rule in known.items():
        if raw.get(name) is None:
            continue
        try:
            yield name, Decimal(cast("int | Decimal", rule.read(raw[name])))
        except ValueError:
            problems.append(f"{prefix}{name} must be {rule.text}")


def _grid(value: object, strategy: str) -> dict[str, list[object]]:
    known = rules(strategy)
    if not (
        isinstance(value, dict)
        and value
        and all(name in known and isinstance(one, list) and one for name, one in value.items())
    ):
        raise InvalidBody("param_grid must map parameter names to non-empty lists")
    if prod(len(one) for one in value.values()) > MAX_COMBINATIONS:
        raise InvalidBody(f"Too many parameter combinations: at most {MAX_COMBINATIONS}")
    return value


def _runnable(strategy: str, raw: Json, costs: Costs, prices: Prices) -> RunRequest | None:
    """None for a combination that is invalid or needs more bars."""
    try:
        given = read_parameters(strategy, raw)
    except InvalidParameters:
        return None
    if len(prices) < STRATEGIES[strategy].needs(given):
        return None
    return RunRequest(strategy, given, costs)


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """`strategies` as sent, without those that nobody knows."""

    symbol: str
    timeframe: str
    columns: Mapping[str, tuple[Decimal, ...]]
    strategies: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class SimulationRequest:
    """`parameters` as sent; `window` is how many bars the strategy sees at a time."""

    strategy: str
    parameters: Json
    columns: Mapping[str, tuple[Decimal, ...]]
    initial_balance: Decimal
    window: int


def read_analyze(body: Json) -> AnalysisRequest:
    columns = read_rows(body.get("data"))
    strategies = {} if body.get("strategies") is None else body["strategies"]
    if not isinstance(strategies, dict) or not all(
        isinstance(one, dict) for one in strategies.values()
    ):
        raise InvalidBody("strategies must be an object of parameter objects")
    return AnalysisRequest(
        symbol=_text(body, "symbol", "UNKNOWN"),
        timeframe=_text(body, "timeframe", "1h"),
        columns=columns,
        strategies={name: one for name, one in strategies.items() if name in STRATEGIES},
    )


def read_simulation(body: Json) -> SimulationRequest:
    strategy = read_strategy(body.get("strategy"))
    columns = read_rows(body.get("data"))
    raw = _parameters(body)
    problems = problems_of(strategy, raw)
    balance = dict(_read({"initial_balance": _MONEY}, body, "", problems))
    if problems:
        raise InvalidParameters("Invalid parameters", details=tuple(problems))
    window = max(50, STRATEGIES[strategy].needs(read_parameters(strategy, raw)))
    count = len(columns["close"])
    if count <= window:
        raise InsufficientData(
            f"Insufficient data: need at least {window + 1} data points, got {count}"
        )
    initial = balance.get("initial_balance", Decimal(10_000))
    return SimulationRequest(strategy, raw, columns, initial, window)


def _text(body: Json, name: str, default: str) -> str:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise InvalidBody(f"{name} must be a string")
    return value
