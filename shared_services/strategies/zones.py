"""Fair value gaps: where the bars before and after a bar have no price in common. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

Price = TypeVar("Price", float, Decimal)

BULLISH = "bullish"
BEARISH = "bearish"


@dataclass(frozen=True, slots=True)
class Zone(Generic[Price]):
    """`index` is the middle bar, counted from 0."""

    index: int
    direction: str
    gap_low: Price
    gap_high: Price

    @property
    def size(self) -> Price:
        return self.gap_high - self.gap_low

    def told(self) -> dict[str, object]:
        """As clients see it."""
        return {
            "direction": self.direction,
            "gap_high": float(self.gap_high),
            "gap_low": float(self.gap_low),
            "index": self.index,
            "size": float(self.size),
        }


def zones(
    high: Sequence[Price], low: Sequence[Price], min_gap_size: Price, direction: str
) -> list[Zone[Price]]:
    """Those of at least `min_gap_size`, in the order of their bars; `direction` may be `both`."""
    return [
        zone
        for zone in _all(high, low)
        if zone.size >= min_gap_size and direction in {zone.direction, "both"}
    ]


def _all(high: Sequence[Price], low: Sequence[Price]) -> Iterator[Zone[Price]]:
    for index in range(1, len(high) - 1):
        before, after = index - 1, index + 1
        if high[before] < low[after]:
            yield Zone(index, BULLISH, high[before], low[after])
        elif low[before] > high[after]:
            yield Zone(index, BEARISH, high[after], low[before])
