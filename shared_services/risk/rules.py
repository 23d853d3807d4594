"""Rules R1 to R8: what an order may risk. Pure.

Closing is always allowed: only the part of an order that adds exposure is checked.
"""

from decimal import Decimal
from typing import Final

from shared_services.exchange.model import OrderType, Side
from shared_services.orders.model import OrderCommand
from shared_services.risk.model import Exposure, Odds, RiskParameters

DAILY_LOSS: Final = "Daily loss limit exceeded"

_LEAST_PROBABILITY: Final = 0.5  # of a signal's own side
_RISKY: Final = 0.6  # a score beyond it adds nothing to positions at high risk
_TOLERANCE: Final = Decimal("1e-9")  # a ratio this close to its limit counts as equal to it


def broken_rules(
    order: OrderCommand,
    exposure: Exposure,
    limits: RiskParameters,
    odds: Odds | None = None,
    *,
    crowded: bool = False,
) -> tuple[str, ...]:
    """The message of every rule the order breaks, in their order; empty if it may be placed.

    R5 to R7 need `odds`. R8 is for those who know whether the positions are at high risk: `crowded`.
    """
    new = added(order, exposure)
    if not new:
        return ()
    if exposure.portfolio_value <= 0:
        return ("Portfolio value is zero",)
    messages = (
        _position_size(size_of(order, exposure)[1], limits.max_position_size),
        _leverage(order.leverage, limits.max_leverage),
        _open_positions(exposure, limits.max_open_positions),
        _daily_loss(exposure, limits.max_daily_loss),
        *(() if odds is None else _signal(order.side, odds, limits, crowded=crowded)),
    )
    return tuple(message for message in messages if message)


def added(order: OrderCommand, exposure: Exposure) -> Decimal:
    """The part of the order that adds exposure, in the base currency."""
    return order.amount - _closing(order, exposure.held)


def size_of(order: OrderCommand, exposure: Exposure) -> tuple[Decimal, Decimal]:
    """What the order adds, in money and as a fraction of the portfolio value; 0 of nothing."""
    value = added(order, exposure) * unit_value(order, exposure.last_price)
    whole = exposure.portfolio_value
    return value, value / whole if whole > 0 else Decimal(0)


def unit_value(order: OrderCommand, last_price: Decimal) -> Decimal:
    """What one unit costs or earns at worst: a seller may get more than the limit."""
    if order.price is None or order.type is OrderType.MARKET:
        return last_price
    return order.price if order.side is Side.BUY else max(order.price, last_price)


def loss_limit(exposure: Exposure, percent: Decimal) -> Decimal:
    """The largest loss of a day, in USD."""
    return percent / 100 * exposure.portfolio_value


def _closing(order: OrderCommand, held: Decimal) -> Decimal:
    """The part of the order that moves what is held towards 0."""
    opposite = -held if order.side is Side.BUY else held
    return min(order.amount, max(opposite, Decimal(0)))


def _position_size(size: Decimal, limit: Decimal) -> str | None:
    if size - limit <= _TOLERANCE:
        return None
    return f"Position size {size:.2%} exceeds maximum {limit:.2%}"


def _leverage(leverage: Decimal, limit: Decimal) -> str | None:
    return f"Leverage {leverage:.1f}x exceeds maximum {limit:.1f}x" if leverage > limit else None


def _open_positions(exposure: Exposure, limit: int) -> str | None:
    if exposure.held or exposure.position_count < limit:
        return None
    return f"Maximum number of open positions ({limit}) exceeded"


def _daily_loss(exposure: Exposure, limit: Decimal) -> str | None:
    return DAILY_LOSS if exposure.daily_result < -loss_limit(exposure, limit) else None


def _signal(
    side: Side, odds: Odds, limits: RiskParameters, *, crowded: bool
) -> tuple[str | None, ...]:
    """Doubles: what is within the tolerance of a limit counts as equal to it."""
    score, close = odds.risk_score, float(_TOLERANCE)
    least, most = float(limits.min_signal_confidence), float(limits.risk_score_threshold)
    return (
        f"Signal confidence {odds.confidence:.2%} below minimum {least:.2%}"
        if odds.confidence < least - close
        else None,
        f"Low probability for {side} action: {odds.of(side):.2%}"
        if odds.of(side) < _LEAST_PROBABILITY - close
        else None,
        f"High risk score: {score:.2%} (probability analysis)" if score > most + close else None,
        "Portfolio risk too high for additional positions"
        if crowded and score > _RISKY + close
        else None,
    )
