"""Results that are kept for a day; as transaction functions."""

import json
from typing import Any, Final

from shared_services.backtest.model import (
    Averages,
    Backtest,
    ClosedTrade,
    Crossing,
    Performance,
)
from shared_services.backtest.tables import (
    BACKTEST_RESULTS,
    BACKTESTS,
    BacktestResultRow,
    BacktestRow,
)
from shared_services.monitoring.alerts import Level, alert, record
from shared_services.numbers import exact
from shared_services.storage import Reader, Transaction
from shared_services.strategies.model import Action, Probabilities, Signal
from shared_services.wire import number

KEPT_MS: Final = 24 * 3_600_000
KEPT: Final = 1000

_SWEEP: Final = 2  # old ones that each new one removes: the table shrinks as fast as it grows
_TRADE: Final = ("entry_price", "exit_price", "position", "commission", "slippage", "pnl")


def keep(tx: Transaction, result: Backtest, text: str) -> int:
    """When the request was first run (ms); tells that it has been run now."""
    known = tx.get(BACKTESTS, result.id)
    if known is None or known.created_ms <= result.created_at - KEPT_MS:
        known = _add(tx, result, text)
    told = {
        "id": result.id,
        "strategy": result.strategy,
        "total_trades": result.performance.total_trades,
    }
    record(tx, alert(Level.INFO, "Backtest finished", told, result.created_at))
    return known.created_ms


def find(reader: Reader, name: str, now: int) -> tuple[BacktestRow, str] | None:
    """None if it is unknown or too old."""
    row, result = reader.get(BACKTESTS, name), reader.get(BACKTEST_RESULTS, name)
    if row is None or result is None or row.created_ms <= now - KEPT_MS:
        return None
    return row, result.result


def _add(tx: Transaction, result: Backtest, text: str) -> BacktestRow:
    newest = tx.find(BACKTESTS, order_by="number", descending=True, limit=1)
    number_ = newest[0].number + 1 if newest else 1
    for old in tx.find(BACKTESTS, order_by="number", limit=_SWEEP):
        if old.number <= number_ - KEPT or old.created_ms <= result.created_at - KEPT_MS:
            tx.delete(BACKTESTS, old.id)
            tx.delete(BACKTEST_RESULTS, old.id)
    row = BacktestRow(result.id, number_, result.strategy, result.created_at)
    tx.put(BACKTESTS, row)
    tx.put(BACKTEST_RESULTS, BacktestResultRow(result.id, text))
    return row


def encode(result: Backtest) -> str:
    """As JSON, numbers as clients get them."""
    figures, averages = result.performance, result.averages
    return json.dumps(
        {
            "performance": [
                figures.total_trades,
                figures.winning_trades,
                figures.losing_trades,
                figures.win_rate,
                number(figures.total_pnl),
                figures.max_drawdown,
                figures.sharpe_ratio,
            ],
            "trades": [
                [one.entry_time, one.exit_time, *(number(getattr(one, name)) for name in _TRADE)]
                for one in result.trade_history
            ],
            "times": list(result.equity_curve),
            "equity": [number(value) for value in result.equity_curve.values()],
            "averages": None if averages is None else _encoded(averages),
        },
        separators=(",", ":"),
    )


def decode(row: BacktestRow, text: str) -> Backtest:
    found: dict[str, Any] = json.loads(text)
    money = json.loads(text, parse_float=exact)
    return Backtest(
        id=row.id,
        strategy=row.strategy,
        created_at=row.created_ms,
        performance=_performance(found["performance"], money["performance"]),
        trade_history=tuple(ClosedTrade(*one) for one in money["trades"]),
        equity_curve=dict(zip(found["times"], money["equity"], strict=True)),
        averages=None if found["averages"] is None else _decoded(found["averages"]),
    )


def _performance(reals: list[Any], money: list[Any]) -> Performance:
    total, won, lost, rate, _, drawdown, sharpe = reals
    return Performance(total, won, lost, rate, money[4], drawdown, sharpe)


def _encoded(averages: Averages) -> list[object]:
    said = averages.signal_result
    odds = said.probabilities
    return [
        averages.ema_fast,
        averages.ema_slow,
        [[one.index, one.type] for one in averages.signals],
        [said.action, said.confidence, said.position_size, [odds.buy, odds.sell, odds.hold]],
        dict(said.metadata),
    ]


def _decoded(values: list[Any]) -> Averages:
    fast, slow, crossings, (action, confidence, size, odds), metadata = values
    signal = Signal(Action(action), confidence, size, Probabilities(*odds), metadata)
    return Averages(fast, slow, tuple(Crossing(*one) for one in crossings), signal)
