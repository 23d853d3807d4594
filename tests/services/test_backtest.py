"""Backtests: the contract's vectors, an independent engine, keeping, progress, and where they run."""

import os
import random
from decimal import Decimal
from itertools import pairwise
from statistics import stdev
from typing import Any

import anyio
import pytest

from shared_services.backtest.pool import SMALL, Pool
from shared_services.backtest.reading import MAX_COMBINATIONS
from shared_services.errors import BacktestNotFound, BacktestsBusy, InvalidBody, InvalidPrices
from shared_services.services import Services
from tests.contract.prices import EIGHT, V60, V60_ROWS, rows
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock

DAY_MS = 24 * HOUR_MS


def walk(bars: int, seed: int = 7) -> dict[str, list[Any]]:
    """A random walk of whole prices; hours."""
    chance, price, close = random.Random(seed), 4_000, []
    for _ in range(bars):
        price += chance.randrange(-40, 41)
        close.append(price)
    opened = [close[0], *close[:-1]]
    pairs = list(zip(opened, close, strict=True))
    return {
        "timestamp": [EXAMPLE_NOW + hour * HOUR_MS for hour in range(bars)],
        "open": opened,
        "high": [max(pair) + 1 for pair in pairs],
        "low": [min(pair) - 1 for pair in pairs],
        "close": close,
    }


def body(strategy: str, data: object, **parameters: object) -> dict[str, object]:
    return {"strategy": strategy, "data": data, "parameters": parameters}


@pytest.mark.parametrize(
    ("strategy", "trades", "won", "pnl", "drawdown"),
    [("rsi", 3, 1, -19.0208016057, 0.0027221469), ("fvg", 0, 0, 0.0, 0.0)],
)
async def test_v60_comes_to_what_the_contract_says(
    services: Services, strategy: str, trades: int, won: int, pnl: float, drawdown: float
) -> None:
    found = (await services.backtest.run(body(strategy, V60))).performance
    assert (found.total_trades, found.winning_trades) == (trades, won)
    assert float(found.total_pnl) == pytest.approx(pnl)
    assert found.max_drawdown == pytest.approx(drawdown)


def simple_engine(close: list[int], rsi_of: list[float | None]) -> tuple[list[float], list[float]]:
    """Section 7.7, word for word, in doubles: results of the trades, and the equity."""
    capital, q, e, results, equity = 10_000.0, 0.0, 0.0, [], []
    for p, index in zip(close, rsi_of, strict=True):
        long, short = q > 0, q < 0
        if (long and (p <= e * 0.98 or p >= e * 1.02)) or (
            short and (p >= e * 1.02 or p <= e * 0.98)
        ):
            result = q * (p - e) - abs(q * p) * 0.001 - abs(q * p) * 0.0005
            capital, q = capital + result, 0.0
            results.append(result)
        action = 0 if index is None else -1 if index >= 70 else 1 if index <= 30 else 0
        if q == 0 and action:
            e = p * (1 + action * 0.0005)
            q = action * capital * 0.1 * 0.7 / e
        equity.append(capital + q * (p - e))
    return results, equity


def simple_rsi(close: list[int], length: int) -> list[float | None]:
    """Section 7.3, word for word."""
    found: list[float | None] = [None] * len(close)
    gains = [max(b - a, 0) for a, b in pairwise(close)]
    losses = [max(a - b, 0) for a, b in pairwise(close)]
    gain, loss = sum(gains[:length]) / length, sum(losses[:length]) / length
    for place in range(length, len(close)):
        if place > length:
            gain = (gain * (length - 1) + gains[place - 1]) / length
            loss = (loss * (length - 1) + losses[place - 1]) / length
        found[place] = 100 * gain / (gain + loss) if gain + loss else 50.0
    return found


async def test_the_engine_agrees_with_one_that_is_written_from_the_contract(
    services: Services,
) -> None:
    data = walk(1500)
    found = await services.backtest.run(body("rsi", data))
    results, equity = simple_engine(data["close"], simple_rsi(data["close"], 14))
    assert len(results) > 5
    assert [float(one.pnl) for one in found.trade_history] == pytest.approx(results)
    assert [float(one) for one in found.equity_curve.values()] == pytest.approx(equity)
    changes = [b / a - 1 for a, b in pairwise(equity)]
    sharpe = 252**0.5 * (sum(changes) / len(changes)) / stdev(changes)
    assert found.performance.sharpe_ratio == pytest.approx(sharpe)


async def test_columns_and_rows_are_the_same_request(services: Services) -> None:
    first = await services.backtest.run(body("rsi", V60))
    assert (await services.backtest.run(body("rsi", rows(V60)))).id == first.id
    assert (await services.backtest.run(body("rsi", V60, oversold=29))).id != first.id


async def test_a_changed_configuration_is_another_request(services: Services) -> None:
    first = await services.backtest.run(body("rsi", V60))
    await services.config.update({"risk": {"stop_loss_percent": 3}})
    second = await services.backtest.run(body("rsi", V60))
    assert first.id != second.id
    explicit = body("rsi", V60, risk_params={"stop_loss_pct": Decimal("0.02")})
    assert (await services.backtest.run(explicit)).id == first.id


async def test_a_result_is_kept_for_a_day_from_the_first_run(
    services: Services, clock: FixedClock
) -> None:
    first = await services.backtest.run(body("ema_crossover", V60))
    clock.now += DAY_MS - 1
    again = await services.backtest.run(body("ema_crossover", V60))
    assert again.created_at == first.created_at == EXAMPLE_NOW
    kept = await services.backtest.result(first.id)
    assert kept.averages == first.averages
    assert kept.performance.sharpe_ratio == first.performance.sharpe_ratio
    assert [float(one) for one in kept.equity_curve.values()] == [
        float(one) for one in first.equity_curve.values()
    ]
    clock.now += 1
    with pytest.raises(BacktestNotFound):
        await services.backtest.result(first.id)
    assert (await services.backtest.run(body("ema_crossover", V60))).created_at == clock.now


async def test_at_most_a_thousand_results_are_kept(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_services.backtest.archive.KEPT", 3)
    found = [await services.backtest.run(body("rsi", EIGHT, rsi_period=n)) for n in range(2, 7)]
    for gone in found[:2]:
        with pytest.raises(BacktestNotFound):
            await services.backtest.result(gone.id)
    for kept in found[2:]:
        assert (await services.backtest.result(kept.id)).strategy == "rsi"


async def test_a_finished_backtest_is_told(services: Services) -> None:
    found = await services.backtest.run(body("rsi", V60))
    [told] = await services.monitoring.alerts(None, Decimal(24))
    assert (told.level, told.message) == ("INFO", "Backtest finished")
    assert told.metadata == {"id": found.id, "strategy": "rsi", "total_trades": 3}


async def test_the_grid_is_tried_in_pieces_and_tells_its_progress(services: Services) -> None:
    heard: list[tuple[int, int]] = []
    grid = {"rsi_period": list(range(2, 12)), "oversold": list(range(20, 30))}
    request: dict[str, object] = {"strategy": "rsi", "data": V60, "param_grid": grid}
    best = await services.backtest.optimize(request, lambda *told: heard.append(told))
    assert heard[-1] == (100, 100)
    assert len(heard) == 4
    alone = await services.backtest.run(body("rsi", V60, **best.parameters))
    assert alone.performance == best.performance


async def test_a_grid_that_is_too_large_is_refused_before_anything_is_tried(
    services: Services,
) -> None:
    grid = {"rsi_period": list(range(2, 502)), "oversold": [20, 21, 22]}
    with pytest.raises(InvalidBody, match=f"at most {MAX_COMBINATIONS}"):
        await services.backtest.optimize({"strategy": "rsi", "data": V60, "param_grid": grid})


@pytest.mark.parametrize("strategy", ["ema_crossover", "rsi", "fvg", "sample"])
async def test_constant_prices_and_no_volume_are_no_trouble(
    services: Services, strategy: str
) -> None:
    flat = {name: [7] * 60 for name in ("open", "high", "low", "close")}
    data = flat | {"timestamp": V60["timestamp"], "volume": [0] * 60}
    found = (await services.backtest.run(body(strategy, data))).performance
    assert (found.total_trades, found.sharpe_ratio, found.max_drawdown) == (0, 0.0, 0.0)


async def test_gaps_in_time_are_allowed(services: Services) -> None:
    times = [time + (10**9 if place > 30 else 0) for place, time in enumerate(V60["timestamp"])]
    found = await services.backtest.run(body("rsi", V60 | {"timestamp": times}))
    assert found.performance.total_trades == 3


@pytest.mark.parametrize("bars", [51, 120])
async def test_the_simulation_agrees_with_one_that_is_written_from_the_contract(
    services: Services, bars: int
) -> None:
    data = walk(bars, seed=3)
    close = data["close"]
    balance, held, profits = 10_000.0, list[tuple[float, float]](), list[float]()
    for place in range(50, bars):
        index = simple_rsi(close[place - 50 : place], 14)[-1]
        assert index is not None
        if index <= 30:
            money = balance * 1.0 * 0.1
            balance -= money
            held.append((money / close[place], money))
        elif index >= 70 and held:
            quantity, money = held.pop(0)
            balance += quantity * close[place]
            profits.append(quantity * close[place] - money)
    found = await services.backtest.simulate({"strategy": "rsi", "data": rows(data)})
    assert float(found.final_balance) == pytest.approx(
        balance + sum(q * close[-1] for q, _ in held)
    )
    assert (found.total_trades, found.open_positions) == (len(profits), len(held))
    assert float(found.total_profit) == pytest.approx(sum(profits))


def who(_: object = None) -> int:
    return os.getpid()


def refuse() -> None:
    raise InvalidPrices("not these", details=("really",))


async def test_large_work_is_done_in_another_process_and_small_work_is_not() -> None:
    pool = Pool(1)
    assert await pool.run(who, bars=SMALL) == os.getpid()
    elsewhere = await pool.run(who, bars=SMALL + 1)
    assert elsewhere != os.getpid()
    assert await pool.run(who, bars=SMALL + 1) == elsewhere


async def test_what_a_worker_process_raises_comes_out_as_it_is() -> None:
    with pytest.raises(InvalidPrices) as caught:
        await Pool(1).run(refuse, bars=SMALL + 1)
    assert caught.value.details == ("really",)


def for_ever(told: str) -> None:
    with open(told, "w") as file:  # noqa: PTH123 - a path is no more than a name here
        file.write(str(os.getpid()))
    while True:
        pass


async def test_whoever_leaves_ends_the_process_that_works_for_him(tmp_path: Any) -> None:
    told, pool = tmp_path / "pid", Pool(1)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: pool.run(for_ever, str(told), bars=SMALL + 1))
            while not (told.exists() and told.read_text()):
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
        worker = int(told.read_text())
        while _lives(worker):
            await anyio.sleep(0.01)
        assert await pool.run(who, bars=SMALL + 1) != worker


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


async def test_more_than_may_wait_are_turned_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr("shared_services.backtest.pool.MAX_WAITING", 1)
    told, pool = tmp_path / "pid", Pool(1)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: pool.run(for_ever, str(told), bars=SMALL + 1))
            while not (told.exists() and told.read_text()):
                await anyio.sleep(0.01)
            group.start_soon(lambda: pool.run(who, None, bars=SMALL + 1))
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(BacktestsBusy, match="at most 1"):
                await pool.run(who, bars=SMALL + 1)
            group.cancel_scope.cancel()


async def test_the_analysis_knows_the_price_and_the_shares(services: Services) -> None:
    found = await services.backtest.analyze({"data": V60_ROWS, "strategies": {"rsi": {}}})
    assert found.current_price == 43_000
    assert list(found.shares) == ["ema_crossover", "rsi", "fvg", "sample"]
