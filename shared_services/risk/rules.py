"""Rules R1 to R4: what an order may risk. Pure.

Closing is always allowed: only the part of an order that adds exposure is checked.
"""

from decimal import Decimal
from typing import Final

from shared_services.exchange.model import OrderType, Side
from shared_services.orders.model import OrderCommand
from shared_services.risk.model import Exposure, RiskParameters

_TOLERANCE: Final = Decimal("1e-9")  # a ratio this close to its limit counts as equal to it


def broken_rules(
    order: OrderCommand, exposure: Exposure, limits: RiskParameters
) -> tuple[str, ...]:
    """The message of every rule the order breaks, in their order; empty if it may be placed."""
    new = order.amount - _closing(order, exposure.held)
    if not new:
        return ()
    value = exposure.portfolio_value
    if value <= 0:
        return ("Portfolio value is zero",)
    size = new * unit_value(order, exposure.last_price) / value
    messages = (
        _position_size(size, limits.max_position_size),
        _leverage(order.leverage, limits.max_leverage),
        _open_positions(exposure, limits.max_open_positions),
        _daily_loss(exposure, limits.max_daily_loss),
    )
    return tuple(message for message in messages if message)


def unit_value(order: OrderCommand, last_price: Decimal) -> Decimal:
    """What one unit costs or earns at worst: a seller may get more than the limit."""
    if order.price is None or order.type is OrderType.MARKET:
        return last_price
    return order.price if order.side is Side.BUY else max(order.price, last_price)


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
    allowed = limit / 100 * exposure.portfolio_value
    return "Daily loss limit exceeded" if exposure.daily_result < -allowed else None
