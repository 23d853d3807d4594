"""Strategies: analyses, the short simulation, what forms are told, and the risk of positions."""

from decimal import Decimal

from legacy_flask.wire import Json
from shared_services.backtest.model import Analysis, Failed, Simulation
from shared_services.risk.model import NO_POSITIONS, PositionsAssessment, PositionsRisk
from shared_services.strategies.hints import FORMS, FRAMEWORK_VERSION, Form, Hint
from shared_services.strategies.model import Combined, Signal
from shared_services.strategies.zones import Zone
from shared_services.wire import as_sent, iso_n, number


def analysis(value: Analysis) -> Json:
    stamp = iso_n(value.timestamp)
    return {
        "symbol": value.symbol,
        "timeframe": value.timeframe,
        "analysis_timestamp": stamp,
        "current_price": number(value.current_price),
        "individual_signals": {name: _signal(one) for name, one in value.signals.items()},
        "strategies_analyzed": len(value.signals),
        "valid_signals": value.valid_signals,
        "combined_signal": combined(value.combined),
        "portfolio_summary": {
            "portfolio_risk": positions_risk(NO_POSITIONS),
            "strategy_weights": {
                name: {
                    "enabled": one.enabled,
                    "min_confidence": one.min_confidence,
                    "weight": one.weight,
                }
                for name, one in value.shares.items()
            },
            "enabled_strategies": sum(one.enabled for one in value.shares.values()),
            "total_strategies": len(value.shares),
            "summary_timestamp": stamp,
        },
    }


def combined(value: Combined) -> Json:
    odds = value.probabilities
    return {
        "action": value.action,
        "combined_confidence": value.confidence,
        "probabilities": {"buy": odds.buy, "sell": odds.sell, "hold": odds.hold},
        "risk_score": value.risk_score,
        "metadata": dict(value.metadata),
    }


def simulation(value: Simulation) -> Json:
    return {
        "strategy": value.strategy,
        "parameters": {name: as_sent(one) for name, one in value.parameters.items()},
        "probability_framework": "enabled",
        "initial_balance": number(value.initial_balance),
        "final_balance": number(value.final_balance),
        "total_profit": number(value.total_profit),
        "total_return_pct": number(value.total_return_pct),
        "avg_trade_profit": number(value.avg_trade_profit),
        "total_trades": value.total_trades,
        "profitable_trades": value.profitable_trades,
        "win_rate": value.win_rate,
        "open_positions": value.open_positions,
        "backtest_period": value.backtest_period,
    }


def available() -> Json:
    return {
        "framework_version": FRAMEWORK_VERSION,
        "strategies": {name: _form(one) for name, one in FORMS.items()},
        "total_strategies": len(FORMS),
    }


def assessment(value: PositionsAssessment) -> Json:
    return {
        "portfolio_risk_assessment": positions_risk(value.risk),
        "assessment_timestamp": iso_n(value.timestamp),
        "framework_version": FRAMEWORK_VERSION,
    }


def positions_risk(value: PositionsRisk) -> Json:
    risk: Json = {
        "overall_risk_score": value.overall_risk_score,
        "risk_level": value.risk_level,
        "recommendations": list(value.recommendations),
    }
    if not value.scores:
        return risk
    return risk | {
        "max_position_risk_score": value.max_position_risk_score,
        "position_count": len(value.scores),
        "position_risks": {name: {"risk_score": one} for name, one in value.scores.items()},
        "total_exposure": number(value.total_exposure),
        "daily_pnl": number(value.daily_pnl),
    }


def zone(value: Zone[Decimal]) -> Json:
    return value.told()


def _signal(value: Signal | Failed) -> Json:
    if isinstance(value, Failed):
        return {"action": "hold", "confidence": 0.0, "error": value.error}
    return {
        "action": value.action,
        "confidence": value.confidence,
        "position_size": value.position_size,
        "metadata": dict(value.metadata),
    }


def _form(value: Form) -> Json:
    return {
        "name": value.name,
        "description": value.description,
        "parameters": {name: _hint(one) for name, one in value.parameters.items()},
    }


def _hint(value: Hint) -> Json:
    fields = {
        "type": value.type,
        "default": value.default,
        "min": value.min,
        "max": value.max,
        "description": value.description,
    }
    return {name: one for name, one in fields.items() if one is not None}
