"""Trades and what they made of the account: booked with the fills, in the same transaction."""

from dataclasses import replace
from decimal import Context, Decimal
from typing import Final

from shared_services.monitoring.model import Performance
from shared_services.monitoring.tables import PERFORMANCE, PerformanceRow
from shared_services.storage import Reader, Transaction

_ACCOUNT: Final = "account"
_MONEY_DECIMALS: Final = 8
_RATIO: Final = Decimal("1e-18")  # as exact as a store keeps it
_EXACT: Final = Context(prec=38)
_NONE: Final = Performance(0, 0, 0, 0.0, Decimal(0), 0.0, 0.0)


def has_traded(reader: Reader) -> bool:
    return reader.get(PERFORMANCE, _ACCOUNT) is not None


def book_trade(tx: Transaction, result: Decimal, base_value: Decimal) -> None:
    """Count a trade; `base_value` is the portfolio value before it, and matters for the first."""
    row = tx.get(PERFORMANCE, _ACCOUNT) or _before_the_first(base_value)
    pnl = row.total_pnl + result
    peak = max(row.peak_value, row.base_value + pnl)
    fallen = _drawdown(peak, row.base_value + pnl).quantize(_RATIO, context=_EXACT)
    row = replace(
        row,
        peak_value=peak,
        total_pnl=pnl,
        max_drawdown=max(row.max_drawdown, fallen),
        total_trades=row.total_trades + 1,
        winning_trades=row.winning_trades + (result > 0),
    )
    tx.put(PERFORMANCE, row)


def performance(reader: Reader) -> Performance:
    """As far as fills are booked; a trade that made nothing is a lost one, as in a backtest."""
    row = reader.get(PERFORMANCE, _ACCOUNT)
    if row is None:
        return _NONE
    return Performance(
        total_trades=row.total_trades,
        winning_trades=row.winning_trades,
        losing_trades=row.total_trades - row.winning_trades,
        win_rate=row.winning_trades / row.total_trades,
        total_pnl=row.total_pnl,
        current_drawdown=float(_drawdown(row.peak_value, row.base_value + row.total_pnl)),
        max_drawdown=float(row.max_drawdown),
        base_value=row.base_value,
        peak_value=row.peak_value,
    )


def _before_the_first(value: Decimal) -> PerformanceRow:
    base = round(value, _MONEY_DECIMALS)
    return PerformanceRow(
        name=_ACCOUNT,
        base_value=base,
        peak_value=base,
        total_pnl=Decimal(0),
        max_drawdown=Decimal(0),
        total_trades=0,
        winning_trades=0,
    )


def _drawdown(peak: Decimal, equity: Decimal) -> Decimal:
    """0 of an account that was never worth anything."""
    return (peak - equity) / peak if peak > 0 else Decimal(0)
