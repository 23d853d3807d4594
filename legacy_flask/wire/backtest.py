"""Backtests."""

from legacy_flask.wire import Json
from shared_services.backtest.model import Averages, Backtest, Best, ClosedTrade, Echo, Performance
from shared_services.strategies.catalogue import STRATEGIES
from shared_services.strategies.model import Signal
from shared_services.strategies.parameters import PARAMETERS, Parameter, read_parameters
from shared_services.wire import as_sent, bar_key, http_date, iso_n, number


def backtest(value: Backtest) -> Json:
    figures = value.performance
    return {
        "id": value.id,
        "total_trades": figures.total_trades,
        "winning_trades": figures.winning_trades,
        "losing_trades": figures.losing_trades,
        **_figures(figures),
        "trade_history": [_trade(one) for one in value.trade_history],
        "equity_curve": {bar_key(at): number(money) for at, money in value.equity_curve.items()},
        **({} if value.averages is None else _averages(value.averages)),
    }


def stored(value: Backtest) -> Json:
    return backtest(value) | {"strategy": value.strategy, "created_at": iso_n(value.created_at)}


def best(value: Best) -> Json:
    return {
        "parameters": {name: as_sent(one) for name, one in value.parameters.items()},
        "performance": _figures(value.performance),
    }


def echo(value: Echo) -> Json:
    return {
        "analysis_timestamp": iso_n(value.analysis_timestamp),
        "results": as_sent(value.results),
        "strategy": value.strategy,
    }


def strategies() -> Json:
    return {
        "strategies": [_strategy(name) for name in STRATEGIES],
        "total_strategies": len(STRATEGIES),
    }


def _strategy(name: str) -> Json:
    known = STRATEGIES[name]
    return {
        "id": name,
        "name": known.title,
        "description": known.description,
        "min_bars": known.needs(read_parameters(name, {})),
        "parameters": {key: _parameter(one) for key, one in PARAMETERS[name].items()},
    }


def _parameter(value: Parameter) -> Json:
    fields = {"default": value.default, "min": value.low, "max": value.high}
    return {
        "type": value.type,
        **{name: one for name, one in fields.items() if one is not None},
        **({"values": list(value.values)} if value.values else {}),
    }


def _figures(value: Performance) -> Json:
    return {
        "win_rate": value.win_rate,
        "total_pnl": number(value.total_pnl),
        "max_drawdown": value.max_drawdown,
        "sharpe_ratio": value.sharpe_ratio,
    }


def _trade(value: ClosedTrade) -> Json:
    return {
        "entry_time": http_date(value.entry_time // 1000),
        "exit_time": http_date(value.exit_time // 1000),
        "entry_price": number(value.entry_price),
        "exit_price": number(value.exit_price),
        "position": number(value.position),
        "commission": number(value.commission),
        "slippage": number(value.slippage),
        "pnl": number(value.pnl),
    }


def _averages(value: Averages) -> Json:
    return {
        "ema_fast": value.ema_fast,
        "ema_slow": value.ema_slow,
        "signals": [{"index": one.index, "type": one.type} for one in value.signals],
        "signal_result": _signal(value.signal_result),
    }


def _signal(value: Signal) -> Json:
    return {
        "action": value.action,
        "confidence": value.confidence,
        "metadata": dict(value.metadata),
    }
