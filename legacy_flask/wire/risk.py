"""Risk: of the account, of an order, of a signal."""

from legacy_flask.wire import Json
from shared_services.risk.model import AccountRisk, Score, Validation
from shared_services.wire import iso_n, number


def account(value: AccountRisk) -> Json:
    return {
        "portfolio_value": number(value.portfolio_value),
        "total_exposure": number(value.total_exposure),
        "daily_pnl": number(value.daily_pnl),
        "daily_pnl_pct": value.daily_pnl_pct,
        "position_count": value.position_count,
        "positions_vs_max": value.positions_vs_max,
        "symbol_count": value.symbol_count,
        "concentration_risk": value.concentration_risk,
        "risk_level": value.risk_level,
        "timestamp": iso_n(value.timestamp),
    }


def validation(value: Validation) -> Json:
    score = {} if value.risk_score is None else {"risk_score": value.risk_score}
    return {
        "valid": value.valid,
        "errors": list(value.errors),
        "risk_assessment": {
            "portfolio_value": number(value.portfolio_value),
            "daily_pnl": number(value.daily_pnl),
            "daily_pnl_pct": value.daily_pnl_pct,
            "position_count": value.position_count,
            "position_value": number(value.position_value),
            "position_size_pct": value.position_size_pct,
            **score,
        },
    }


def score(value: Score) -> Json:
    odds = value.odds
    return {
        "symbol": value.symbol,
        "probability_data": {
            "probability_buy": odds.buy,
            "probability_sell": odds.sell,
            "probability_hold": odds.hold,
            "confidence": odds.confidence,
        },
        "risk_score": value.risk_score,
        "risk_level": value.risk_level,
    }
