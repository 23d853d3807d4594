"""A position as clients see it. Pure."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """Money in USD. `id` of a holding changes with each snapshot and is no key."""

    id: str
    symbol: str
    side: str
    amount: Decimal
    contracts: Decimal
    entry_price: Decimal
    mark_price: Decimal
    pnl: Decimal
    pnl_percentage: Decimal
    notional: Decimal
    collateral: Decimal
    maintenance_margin: Decimal
    margin_mode: str
    position_type: str
    leverage: Decimal
    timestamp: int
