"""What monitoring keeps in the store. Times in ms since 1970 UTC."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class AlertRow:
    """`metadata` is a JSON object."""

    id: str
    at_ms: int
    level: str
    message: str
    metadata: str


@dataclass(frozen=True, slots=True)
class PerformanceRow:
    """The one account's trades so far; drawdowns are fractions of the highest equity."""

    name: str
    base_value: Decimal
    peak_value: Decimal
    total_pnl: Decimal
    max_drawdown: Decimal
    total_trades: int
    winning_trades: int


ALERTS: Final = Table("alerts", AlertRow, key=("id",), indexes=(("at_ms",),))
PERFORMANCE: Final = Table("performance", PerformanceRow, key=("name",))
