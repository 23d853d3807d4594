"""What the market routes are asked, read from queries."""

from typing import Final

from shared_services.errors import InvalidQuery
from shared_services.exchange.model import TIMEFRAMES
from shared_services.queries import parse_limit

DEFAULT_TIMEFRAME: Final = "5m"
MAX_BARS: Final = 1000
MAX_LEVELS: Final = 100  # of each side of an order book


def read_timeframe(text: str | None) -> str:
    """Raises InvalidQuery."""
    timeframe = DEFAULT_TIMEFRAME if text is None else text
    if timeframe not in TIMEFRAMES:
        raise InvalidQuery(f"Invalid timeframe: {timeframe}")
    return timeframe


def read_bars(text: str | None) -> int:
    """Raises InvalidQuery."""
    return parse_limit(text, default=100, cap=MAX_BARS)


def read_levels(text: str | None) -> int:
    """Raises InvalidQuery."""
    return parse_limit(text, default=20, cap=MAX_LEVELS)
