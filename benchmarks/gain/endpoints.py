"""What is asked, and what stands behind it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`calls` to the exchange, with so many venues; `turns` of them, where independent ones go together."""

    name: str
    target: str
    calls: Callable[[int], int]
    turns: int
    body: bytes = b""

    @property
    def method(self) -> str:
        return "POST" if self.body else "GET"


def _bars() -> bytes:
    """300 bars that go up and down, and some gaps between them."""
    prices = [100 + (number * 37 % 101) / 10 for number in range(300)]
    columns = {"high": [price + 1 for price in prices], "low": [price - 1 for price in prices]}
    return json.dumps({"data": columns, "min_gap_size": 4}).encode()


AGGREGATE: Final = Endpoint(
    "order books of all venues", "/api/orderbook/BTCUSD/aggregate?limit=5", lambda venues: venues, 1
)
TICKER: Final = Endpoint("price of one market", "/api/market/ticker/BTCUSD", lambda _: 1, 1)
SNAPSHOT: Final = Endpoint("live portfolio", "/api/live-portfolio/snapshot", lambda _: 6, 2)
STATUS: Final = Endpoint("status", "/api/status", lambda _: 0, 0)
ZONES: Final = Endpoint("gaps between 300 bars", "/api/indicators/fvg", lambda _: 0, 0, _bars())
ENDPOINTS: Final = (AGGREGATE, TICKER, SNAPSHOT, STATUS, ZONES)
