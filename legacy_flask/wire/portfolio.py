"""The portfolio, and what should be done about it."""

from legacy_flask.wire import Json
from legacy_flask.wire import risk as risk_wire
from shared_services.portfolio.model import (
    Allocation,
    Allocations,
    PortfolioPosition,
    PortfolioStatus,
    Proposal,
    Proposals,
    Rebalancing,
    RebalancingPlan,
)
from shared_services.wire import iso_n, number


def status(value: PortfolioStatus) -> Json:
    return {
        "total_value": number(value.total_value),
        "available_balance": number(value.available_balance),
        "total_pnl": number(value.total_pnl),
        "pnl_percentage": number(value.pnl_percentage),
        "position_count": value.position_count,
        "positions": {symbol: _position(one) for symbol, one in value.positions.items()},
        "active_strategies": {
            name: {"min_confidence": one.min_confidence, "weight": one.weight}
            for name, one in value.active_strategies.items()
        },
        "risk_summary": risk_wire.account(value.risk_summary),
        "timestamp": iso_n(value.timestamp),
    }


def proposals(value: Proposals) -> Json:
    return {
        "actions": [_proposal(one) for one in value.actions],
        "timestamp": iso_n(value.timestamp),
    }


def allocations(value: Allocations) -> Json:
    return {
        "allocations": [_allocation(one) for one in value.allocations],
        "risk_profile": value.profile.risk_profile,
        "max_allocation_percent": number(value.profile.max_allocation_percent),
        "timestamp": iso_n(value.timestamp),
    }


def plan(value: RebalancingPlan) -> Json:
    return {
        "actions": [_rebalancing(one) for one in value.actions],
        "portfolio_value": number(value.portfolio_value),
        "timestamp": iso_n(value.timestamp),
    }


def _position(value: PortfolioPosition) -> Json:
    return {
        "symbol": value.symbol,
        "side": value.side,
        "amount": number(value.amount),
        "entry_price": number(value.entry_price),
        "mark_price": number(value.mark_price),
        "pnl": number(value.pnl),
        "pnl_percentage": number(value.pnl_percentage),
    }


def _proposal(value: Proposal) -> Json:
    odds = value.combined.probabilities
    exits = {"stop_loss": value.stop_loss, "take_profit": value.take_profit}
    return {
        "symbol": value.symbol,
        "action": value.action,
        "confidence": value.confidence,
        "probabilities": {"buy": odds.buy, "sell": odds.sell, "hold": odds.hold},
        "risk_score": value.risk_score,
        "price": number(value.price),
        "position_size": number(value.position_size),
        "amount": number(value.amount),
        **{name: number(price) for name, price in exits.items() if price is not None},
        "errors": list(value.errors),
        "should_execute": value.should_execute,
        "metadata": dict(value.combined.metadata),
        "timestamp": iso_n(value.timestamp),
    }


def _allocation(value: Allocation) -> Json:
    return {
        "symbol": value.symbol,
        "action": value.action,
        "amount": number(value.amount),
        "confidence": value.confidence,
        "percentage": number(value.target_allocation),
        "target_allocation": number(value.target_allocation),
        "current_allocation": number(value.current_allocation),
        "price": number(value.price),
    }


def _rebalancing(value: Rebalancing) -> Json:
    return {
        "symbol": value.symbol,
        "action": value.action,
        "amount": number(value.amount),
        "value": number(value.value),
        "current_allocation": number(value.current_allocation),
        "target_allocation": number(value.target_allocation),
        "difference": number(value.difference),
        "price": number(value.price),
    }
