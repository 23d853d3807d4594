"""The live portfolio."""

from hypothesis import strategies as st

from fastapi_app.live import schemas
from legacy_flask.wire import live as wire
from shared_services.live.model import (
    DataQuality,
    FailedMarket,
    LiveMarket,
    LivePosition,
    MarketOverview,
    Performance,
    PositionValue,
    Snapshot,
    Verdict,
)
from tests.contract.shape import Pair, built, milliseconds, money, real, symbols, text

_quality = st.dictionaries(symbols, st.booleans())
_market = built(
    LiveMarket,
    price_change_24h=st.none() | money,
    price_change_pct=st.none() | money,
    volatility_pct=real,
    data_quality=st.builds(DataQuality, real),
)
_failed = st.builds(FailedMarket, symbols, text)

PAIRS = {
    "live snapshot": Pair(
        wire.snapshot,
        schemas.SnapshotOut,
        built(
            Snapshot,
            market_data_quality=_quality,
            positions=st.lists(built(LivePosition), max_size=3).map(tuple),
        ),
    ),
    "value of a position": Pair(
        wire.position_value, schemas.PositionValueOut, built(PositionValue)
    ),
    "verdict on a trade": Pair(wire.verdict, schemas.VerdictOut, built(Verdict, reason=text)),
    "performance of the live portfolio": Pair(
        wire.performance, schemas.PerformanceOut, built(Performance)
    ),
    "market overview": Pair(
        wire.overview,
        schemas.MarketOverviewOut,
        st.builds(
            MarketOverview,
            st.lists(_market | _failed, min_size=1, max_size=3).map(tuple),
            st.none() | milliseconds,
        ),
        nulls=True,
    ),
}
