"""Nonces, cache, performance and alerts."""

from collections.abc import Iterable

from legacy_flask.wire import Json
from shared_services.caching.model import CacheEntry, CacheFigures
from shared_services.monitoring.model import Alert, NonceFigures, Performance
from shared_services.wire import iso_o, number


def nonce(value: NonceFigures) -> Json:
    last = {} if value.last_nonce is None else {"last_nonce": value.last_nonce}
    return {
        "active_api_keys": {
            shown: {"last_request": iso_o(use.last_request), "total_requests": use.total_requests}
            for shown, use in value.active_api_keys.items()
        },
        **last,
        "queue_size": value.queue_size,
        "total_nonces_issued": value.total_nonces_issued,
        "uptime_hours": value.uptime_hours,
    }


def cache(value: CacheFigures) -> Json:
    return {
        "cache_hit_rate": value.cache_hit_rate,
        "cache_hits": value.cache_hits,
        "cache_misses": value.cache_misses,
        "configured_strategies": {key: {"ttl": ttl} for key, ttl in value.ttls.items()},
        "most_accessed": [_entry(one) for one in value.most_accessed],
        "total_entries": value.total_entries,
        "total_requests": value.total_requests,
    }


def performance(value: Performance) -> Json:
    values = {"base_value": value.base_value, "peak_value": value.peak_value}
    return {
        **{name: number(money) for name, money in values.items() if money is not None},
        "current_drawdown": value.current_drawdown,
        "losing_trades": value.losing_trades,
        "max_drawdown": value.max_drawdown,
        "total_pnl": number(value.total_pnl),
        "total_trades": value.total_trades,
        "win_rate": value.win_rate,
        "winning_trades": value.winning_trades,
    }


def alerts(values: Iterable[Alert]) -> Json:
    told = [_alert(one) for one in values]
    return {"alerts": told, "count": len(told)}


def _entry(value: CacheEntry) -> Json:
    return {
        "access_count": value.access_count,
        "age_seconds": value.age_seconds,
        "key": value.key,
        "remaining_ttl": value.remaining_ttl,
    }


def _alert(value: Alert) -> Json:
    return {
        "level": value.level,
        "message": value.message,
        "metadata": dict(value.metadata),
        "timestamp": iso_o(value.timestamp),
    }
