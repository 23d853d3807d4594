"""The modern stack over a market that never rests: `BANYAN_MODERN=tests.e2e.moving:app`."""

from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from dataclasses import replace

from fastapi_app import create_app
from shared_services import services
from shared_services.exchange.model import OrderBook, Ticker, Trade
from shared_services.feed.hub import MarketFeed
from shared_services.feed.source import Pace
from shared_services.services import Services
from shared_services.settings import TradingSettings
from tests.services.feeds import MovingMarket


class _Everything(Container[str]):
    def __contains__(self, _one: object) -> bool:
        return True


class Restless(MovingMarket):
    """Whoever looks again sees another price and one more trade, of any symbol."""

    def __init__(self) -> None:
        super().__init__()
        self.known = _Everything()
        self._looks = 0

    async def ticker(self, symbol: str) -> Ticker:
        self._move()
        return await super().ticker(symbol)

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        self._move()
        return await super().order_book(symbol, limit)

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        self.trade()
        return await super().trades(symbol, limit)

    def _move(self) -> None:
        self.calls.clear()
        self._looks += 1
        self.price(self._looks)


settings = TradingSettings()


@asynccontextmanager
async def _open_services() -> AsyncIterator[Services]:
    """The usual services, but a thousand looks a second."""
    market = MarketFeed(Restless().port, Pace(interval=0.001))
    async with services.open_services(settings) as opened, market.open() as feed:
        yield replace(opened, feed=feed)


app = create_app(settings, open_services=_open_services)
