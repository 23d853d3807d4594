"""The trades of one market in the order they were made, each once. Pure."""

from collections import deque
from collections.abc import Sequence
from typing import Final

from shared_services.exchange.model import Trade

LATEST: Final = 50
MOST: Final = 10_000
"""As many as an exchange gives at once."""


class Tape:
    """Which trades of an overlapping look at the market are new."""

    def __init__(self) -> None:
        self.latest: deque[Trade] = deque(maxlen=LATEST)
        self._seen: dict[str, None] = {}
        self._began = False

    def continues(self, fetched: Sequence[Trade], limit: int) -> bool:
        """Whether nothing is missing between what was seen and the newest `limit` trades."""
        return (
            not self._began
            or len(fetched) < limit
            or any(trade.id in self._seen for trade in fetched)
        )

    def take(self, fetched: Sequence[Trade]) -> list[Trade]:
        """Remember `fetched`, oldest first, and give what is new in it.

        What is older than everything seen was made before we began to look.
        """
        known = (place for place, trade in enumerate(fetched) if trade.id in self._seen)
        later = fetched[next(known, 0) :]
        news = {trade.id: trade for trade in later if trade.id not in self._seen}
        self._remember(news)
        self.latest.extend(news.values())
        self._began = True
        return list(news.values())

    def _remember(self, news: dict[str, Trade]) -> None:
        self._seen |= dict.fromkeys(news)
        for old in list(self._seen)[: -2 * MOST]:
            del self._seen[old]
