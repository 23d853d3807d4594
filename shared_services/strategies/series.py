"""What a strategy says at every bar, from what was known then.

Arrays of the length of the bars: the value at `i` is what the strategy says when bar `i` is the last.
A strategy is one algorithm: a signal is the last value of its series.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared_services.strategies.indicators import Series, ema, rsi
from shared_services.strategies.parameters import Given
from shared_services.strategies.zones import BULLISH, Zone, zones

BUY: Final = 1
SELL: Final = -1
HOLD: Final = 0

TOLERANCE: Final = 1e-9  # a double this close to its limit counts as equal to it

_ZERO_GAP: Final = 1e-9  # of the slow average: averages this close to each other are equal

Actions = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Bars:
    """Prices as doubles, oldest first and above 0; `high` and `low` may be empty for a strategy
    that needs none."""

    close: Series
    high: Series
    low: Series

    def __len__(self) -> int:
        return len(self.close)

    def part(self, start: int, stop: int) -> "Bars":
        return Bars(self.close[start:stop], self.high[start:stop], self.low[start:stop])


@dataclass(frozen=True, slots=True)
class Said:
    """`actions` are BUY, SELL or HOLD; `last` is what the strategy knows at the last bar.

    `leaning` is whose probabilities it has, where that is not the action.
    """

    actions: Actions
    confidence: Series
    last: Mapping[str, object] = field(default_factory=dict)
    crossings: Actions | None = None
    leaning: int = HOLD


def ema_crossover(bars: Bars, given: Given) -> Said:
    """Contract of the strategy: the latest crossing within `lookback` bars, if the gap confirms it."""
    count = len(bars)
    fast_period, slow_period, lookback = (
        int(given[name] or 0) for name in ("fast_period", "slow_period", "lookback")
    )
    fast, slow = ema(bars.close, fast_period), ema(bars.close, slow_period)
    gap = fast - slow
    gap[np.abs(gap) <= _ZERO_GAP * np.abs(slow)] = 0.0
    crossings = _crossings(gap, slow_period, given)
    places = np.arange(count)
    latest = np.maximum.accumulate(np.where(crossings != HOLD, places, -1))
    recent = (latest >= 0) & (latest > places - lookback)
    kind = np.where(recent, crossings[latest], HOLD)
    buy = (kind == BUY) & (gap > 0) & (gap >= float(given["buy_threshold"] or 0) - TOLERANCE)
    sell = (kind == SELL) & (gap < 0) & (gap <= float(given["sell_threshold"] or 0) + TOLERANCE)
    actions = np.where(buy, BUY, np.where(sell, SELL, HOLD)).astype(np.int8)
    relative = np.divide(np.abs(gap), np.abs(slow), out=np.zeros(count), where=slow > 0)
    confidence = np.where(actions == HOLD, 0.0, np.minimum(1.0, relative))
    last = {"ema_fast": float(fast[-1]), "ema_slow": float(slow[-1]), "gap": float(gap[-1])}
    return Said(actions, confidence, last, crossings)


def _crossings(gap: Series, slow_period: int, given: Given) -> Actions:
    """BUY where the gap becomes positive, SELL where it becomes negative."""
    found = np.zeros(len(gap), dtype=np.int8)
    before, after = gap[slow_period - 1 : -1], gap[slow_period:]
    wide = np.abs(after) >= float(given["min_gap"] or 0) - TOLERANCE
    if given["direction"] != "bearish":
        found[slow_period:][(before <= 0) & (after > 0) & wide] = BUY
    if given["direction"] != "bullish":
        found[slow_period:][(before >= 0) & (after < 0) & wide] = SELL
    return found


def relative_strength(bars: Bars, given: Given) -> Said:
    """Sell what is overbought, buy what is oversold."""
    index = rsi(bars.close, int(given["rsi_period"] or 0))
    defined = ~np.isnan(index)
    sell = defined & (index >= float(given["overbought"] or 0) - TOLERANCE)
    buy = defined & (index <= float(given["oversold"] or 0) + TOLERANCE) & ~sell
    actions = np.where(sell, SELL, np.where(buy, BUY, HOLD)).astype(np.int8)
    confidence = np.where(actions == HOLD, np.where(defined, 0.6, 0.0), 0.7)
    return Said(actions, confidence, {"rsi": float(index[-1])})


def fair_value_gap(bars: Bars, given: Given) -> Said:
    """Trade in the direction of the oldest recent zone that the price has come back to."""
    lookback = int(given["lookback"] or 0)
    found: list[Zone[float]] = zones(
        bars.high.tolist(),
        bars.low.tolist(),
        float(given["min_gap_size"] or 0),
        str(given["direction"]),
    )
    entered = _entered(bars.close, found, lookback)
    directions = np.array([BUY if one.direction == BULLISH else SELL for one in found] or [HOLD])
    actions = np.where(entered >= 0, directions[entered], HOLD).astype(np.int8)
    confidence = np.where(actions == HOLD, 0.0, 0.7)
    inside = found[entered[-1]] if entered[-1] >= 0 else None
    return Said(actions, confidence, {} if inside is None else {"fvg_zone": inside.told()})


def _entered(close: Series, found: list[Zone[float]], lookback: int) -> NDArray[np.int64]:
    """For each bar the place in `found` of the first zone it is in; -1 for none.

    At bar `i` the zones from bar `i` - `lookback` to bar `i` - 1 are known and recent.
    """
    count = len(close)
    at = np.full(count, -1)  # the place of the zone of each bar
    at[[one.index for one in found]] = np.arange(len(found))
    low = np.array([one.gap_low for one in found] or [np.inf])
    high = np.array([one.gap_high for one in found] or [-np.inf])
    entered = np.full(count, -1)
    for back in range(min(lookback, count - 1), 0, -1):
        zone = at[: count - back]
        price = close[back:]
        inside = (zone >= 0) & (low[zone] <= price) & (price <= high[zone])
        free = entered[back:] < 0
        entered[back:][inside & free] = zone[inside & free]
    return entered


def sample(bars: Bars, given: Given) -> Said:
    """Always holds; how sure it is, the parameters alone say."""
    value = float(given["indicator_value"] or 0)
    likely = value >= float(given["buy_threshold"] or 0) - TOLERANCE
    unlikely = value <= float(given["sell_threshold"] or 0) + TOLERANCE
    hold = 0.2 if likely or unlikely else 0.6
    last = {"info": "Sample strategy always holds", "indicator_value": value}
    leaning = BUY if likely else SELL if unlikely else HOLD
    actions = np.zeros(len(bars), dtype=np.int8)
    return Said(actions, np.full(len(bars), hold), last, leaning=leaning)
