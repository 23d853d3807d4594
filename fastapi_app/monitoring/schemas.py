"""Shapes of monitoring."""

from collections.abc import Sequence
from typing import Any, Self

from fastapi_app.schemas import Absent, IsoO, Number, Wire
from shared_services.caching.model import CacheFigures
from shared_services.monitoring.model import Alert


class KeyUseOut(Wire):
    last_request: IsoO
    total_requests: int


class NonceOut(Wire):
    active_api_keys: dict[str, KeyUseOut]
    last_nonce: int | Absent = None
    queue_size: int
    total_nonces_issued: int
    uptime_hours: float


class StrategyOut(Wire):
    ttl: int


class CacheEntryOut(Wire):
    access_count: int
    age_seconds: float
    key: str
    remaining_ttl: float


class CacheOut(Wire):
    cache_hit_rate: float
    cache_hits: int
    cache_misses: int
    configured_strategies: dict[str, StrategyOut]
    most_accessed: list[CacheEntryOut]
    total_entries: int
    total_requests: int

    @classmethod
    def of(cls, figures: CacheFigures) -> Self:
        return cls(
            cache_hit_rate=figures.cache_hit_rate,
            cache_hits=figures.cache_hits,
            cache_misses=figures.cache_misses,
            configured_strategies={key: StrategyOut(ttl=ttl) for key, ttl in figures.ttls.items()},
            most_accessed=[CacheEntryOut.model_validate(one) for one in figures.most_accessed],
            total_entries=figures.total_entries,
            total_requests=figures.total_requests,
        )


class PerformanceOut(Wire):
    base_value: Number | Absent = None
    current_drawdown: float
    losing_trades: int
    max_drawdown: float
    peak_value: Number | Absent = None
    total_pnl: Number
    total_trades: int
    win_rate: float
    winning_trades: int


class AlertOut(Wire):
    level: str
    message: str
    metadata: dict[str, Any]
    timestamp: IsoO


class AlertsOut(Wire):
    alerts: list[AlertOut]
    count: int

    @classmethod
    def of(cls, alerts: Sequence[Alert]) -> Self:
        return cls(alerts=[AlertOut.model_validate(one) for one in alerts], count=len(alerts))
