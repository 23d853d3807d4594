"""Monitoring."""

from hypothesis import strategies as st

from fastapi_app.monitoring import schemas
from legacy_flask.wire import monitoring as wire
from shared_services.caching.model import CacheEntry, CacheFigures
from shared_services.monitoring.model import Alert, KeyUse, NonceFigures, Performance
from tests.contract.shape import Pair, built, milliseconds, money, real, text

_counts = st.integers(min_value=0, max_value=2**53)
_json = st.recursive(
    st.booleans() | st.integers() | real | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)

PAIRS = {
    "nonces": Pair(
        wire.nonce,
        schemas.NonceOut,
        st.builds(
            NonceFigures,
            active_api_keys=st.dictionaries(text, st.builds(KeyUse, milliseconds, _counts)),
            queue_size=_counts,
            total_nonces_issued=_counts,
            uptime_hours=real,
            last_nonce=st.none() | _counts,
        ),
    ),
    "cache": Pair(
        wire.cache,
        schemas.CacheOut.of,
        st.builds(
            CacheFigures,
            cache_hits=_counts,
            cache_misses=_counts,
            entries=st.lists(
                st.builds(CacheEntry, text, _counts, age_seconds=real, remaining_ttl=real),
                max_size=12,
            ).map(tuple),
            ttls=st.dictionaries(text, _counts, max_size=3),
        ),
    ),
    "performance of the trades": Pair(
        wire.performance,
        schemas.PerformanceOut,
        st.builds(
            Performance,
            total_trades=_counts,
            winning_trades=_counts,
            losing_trades=_counts,
            win_rate=real,
            total_pnl=money,
            current_drawdown=real,
            max_drawdown=real,
            base_value=st.none() | money,
            peak_value=st.none() | money,
        ),
    ),
    "alerts": Pair(
        wire.alerts,
        schemas.AlertsOut.of,
        st.lists(
            built(Alert, level=text, message=text, metadata=st.dictionaries(text, _json)),
            max_size=3,
        ),
    ),
}
