"""What a worker process is given to do. Pure, and takes its time."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256

from shared_services.backtest.engine import Run, run
from shared_services.backtest.metrics import performance
from shared_services.backtest.model import (
    Averages,
    Backtest,
    Crossing,
    Performance,
    RunRequest,
    Simulation,
)
from shared_services.backtest.prices import Prices, bars_of
from shared_services.backtest.reading import SimulationRequest
from shared_services.errors import InvalidPrices
from shared_services.numbers import as_written, plain
from shared_services.strategies.catalogue import ACTIONS, STRATEGIES, signal
from shared_services.strategies.model import Action
from shared_services.strategies.parameters import read_parameters
from shared_services.strategies.series import HOLD, TOLERANCE, Bars, Said

_TOO_FAR_APART = "Price data out of range: the result is not finite"


def run_backtest(request: RunRequest, prices: Prices, now: int) -> Backtest:
    """One run; `now` (ms) is when. Raises InvalidPrices if a figure exceeds all doubles."""
    bars = prices.bars
    said = STRATEGIES[request.strategy].says(bars, request.given)
    size = float(request.given["position_size"] or 0)
    state = run(prices.times, prices.close, said, request.costs, size)
    return Backtest(
        id=identify(request, prices),
        strategy=request.strategy,
        created_at=now,
        performance=_judged(state),
        trade_history=tuple(state.trades),
        equity_curve=dict(zip(prices.times, state.equity, strict=True)),
        averages=_averages(said, bars, request),
    )


def run_grid(requests: Sequence[RunRequest], prices: Prices) -> list[Performance]:
    """How well each did, in their order."""
    bars, found = prices.bars, []
    for request in requests:
        said = STRATEGIES[request.strategy].says(bars, request.given)
        size = float(request.given["position_size"] or 0)
        state = run(prices.times, prices.close, said, request.costs, size)
        found.append(_judged(state))
    return found


def identify(request: RunRequest, prices: Prices) -> str:
    """`bt_` and 16 digits: the same for the same request, in whatever form it was sent."""
    canonical = {
        "strategy": request.strategy,
        "parameters": {name: _canonical(value) for name, value in request.given.items()},
        "costs": {
            name: plain(getattr(request.costs, name)) for name in request.costs.__dataclass_fields__
        },
        "times": prices.times,
        "prices": {
            name: [_shortest(value) for value in column] for name, column in prices.columns.items()
        },
    }
    return f"bt_{sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()[:16]}"


def simulate(
    request: SimulationRequest, confidence: float, max_position_size: Decimal
) -> Simulation:
    """Buys from `confidence` on; a sale closes the oldest buy; what is open is valued at the end."""
    given = read_parameters(request.strategy, request.parameters)
    close, bars = request.columns["close"], bars_of(request.columns)
    balance, profits, held = (
        request.initial_balance,
        list[Decimal](),
        list[tuple[Decimal, Decimal]](),
    )
    for place in range(request.window, len(close)):
        said = signal(request.strategy, bars.part(place - request.window, place), given)
        price = close[place]
        if said.action is Action.BUY and said.confidence >= confidence - TOLERANCE:
            money = balance * as_written(said.position_size) * max_position_size
            balance -= money
            held.append((money / price, money))
        elif said.action is Action.SELL and held:
            quantity, money = held.pop(0)
            balance += quantity * price
            profits.append(quantity * price - money)
    final = balance + sum((quantity * close[-1] for quantity, _ in held), Decimal(0))
    return _simulation(request, profits, final, len(held))


def _simulation(
    request: SimulationRequest, profits: Sequence[Decimal], final: Decimal, still_open: int
) -> Simulation:
    won, count = sum(one > 0 for one in profits), len(profits)
    total = sum(profits, Decimal(0))
    result = Simulation(
        strategy=request.strategy,
        parameters=request.parameters,
        initial_balance=request.initial_balance,
        final_balance=final,
        total_profit=total,
        total_return_pct=(final - request.initial_balance) / request.initial_balance * 100,
        avg_trade_profit=total / count if count else Decimal(0),
        total_trades=count,
        profitable_trades=won,
        win_rate=won / count if count else 0.0,
        open_positions=still_open,
        backtest_period=len(request.columns["close"]) - request.window,
    )
    if not math.isfinite(float(final)) or not math.isfinite(float(result.total_return_pct)):
        raise InvalidPrices(_TOO_FAR_APART)
    return result


def _averages(said: Said, bars: Bars, request: RunRequest) -> Averages | None:
    if said.crossings is None:
        return None
    latest: Mapping[str, object] = said.last
    return Averages(
        ema_fast=float(str(latest["ema_fast"])),
        ema_slow=float(str(latest["ema_slow"])),
        signals=tuple(_crossings(said)),
        signal_result=signal(request.strategy, bars, request.given),
    )


def _crossings(said: Said) -> Iterator[Crossing]:
    kinds = [] if said.crossings is None else said.crossings.tolist()
    for place, kind in enumerate(kinds):
        if kind != HOLD:
            yield Crossing(place, ACTIONS[kind].value)


def _judged(state: Run) -> Performance:
    """How well a run did; what no client could read is no result."""
    if not all(math.isfinite(float(one)) for one in (max(state.equity), min(state.equity))):
        raise InvalidPrices(_TOO_FAR_APART)
    result = performance(state.trades, state.equity)
    if not math.isfinite(float(result.total_pnl)) or not math.isfinite(result.sharpe_ratio):
        raise InvalidPrices(_TOO_FAR_APART)
    return result


def _shortest(value: Decimal) -> str:
    """As `plain`, but mostly the text it already has."""
    text = str(value)
    return plain(value) if "E" in text or ("." in text and text.endswith("0")) else text


def _canonical(value: object) -> str:
    if isinstance(value, int | float):
        return plain(as_written(value))
    return str(value)
