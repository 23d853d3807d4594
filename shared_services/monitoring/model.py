"""What monitoring shows. Times in ms since 1970 UTC. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Of one API key, by all processes."""

    last_request: int
    total_requests: int


@dataclass(frozen=True, slots=True)
class NonceFigures:
    """`active_api_keys` by what may be told of a key; `queue_size` is that of this process."""

    active_api_keys: Mapping[str, KeyUse]
    queue_size: int
    total_nonces_issued: int
    uptime_hours: float
    last_nonce: int | None


@dataclass(frozen=True, slots=True)
class Performance:
    """Closed trades, money in USD; drawdowns and the win rate are fractions.

    `base_value` and `peak_value` exist after the first trade.
    """

    total_trades: int
    winning_trades: int
    losing_trades: int
    win_rate: float
    total_pnl: Decimal
    current_drawdown: float
    max_drawdown: float
    base_value: Decimal | None = None
    peak_value: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """`metadata` is a JSON object."""

    level: str
    message: str
    metadata: Mapping[str, object]
    timestamp: int
