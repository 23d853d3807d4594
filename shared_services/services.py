"""The only wiring: settings in, services out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from shared_services.background import in_background
from shared_services.backtest.pool import Pool
from shared_services.backtest.service import BacktestServiceAsync
from shared_services.balances.service import BalanceServiceAsync
from shared_services.bot.cycle import Cycle
from shared_services.bot.service import BotManagerAsync
from shared_services.bot.worker import BotWorker
from shared_services.caching.service import CacheAsync
from shared_services.clock import SYSTEM_CLOCK, Clock
from shared_services.config.service import ConfigServiceAsync
from shared_services.exchange.opening import open_exchange, open_venues, queue_size
from shared_services.exchange.paper.market import Market
from shared_services.exchange.port import ExchangePort
from shared_services.exchange.service import ExchangeAsync
from shared_services.feed.hub import MarketFeed
from shared_services.ledger.service import LedgerAsync
from shared_services.live.service import LivePortfolioServiceAsync
from shared_services.market.service import MarketDataServiceAsync
from shared_services.monitoring.service import MonitoringServiceAsync
from shared_services.orderbook.service import OrderbookServiceAsync
from shared_services.orders.found import FoundOrders
from shared_services.orders.idempotency import IdempotencyKeys
from shared_services.orders.placement import Placement
from shared_services.orders.service import OrderServiceAsync
from shared_services.portfolio.service import PortfolioManagerAsync
from shared_services.positions.service import PositionsServiceAsync
from shared_services.risk.service import RiskManagerAsync
from shared_services.settings import TradingSettings
from shared_services.storage import Store, open_store


@dataclass(frozen=True, slots=True)
class Services:
    """One set belongs to one event loop."""

    settings: TradingSettings
    config: ConfigServiceAsync
    exchange: ExchangeAsync
    balances: BalanceServiceAsync
    positions: PositionsServiceAsync
    orders: OrderServiceAsync
    market: MarketDataServiceAsync
    orderbook: OrderbookServiceAsync
    live: LivePortfolioServiceAsync
    risk: RiskManagerAsync
    portfolio: PortfolioManagerAsync
    backtest: BacktestServiceAsync
    bot: BotManagerAsync
    worker: BotWorker
    cache: CacheAsync
    monitoring: MonitoringServiceAsync
    feed: MarketFeed


@asynccontextmanager
async def open_services(
    settings: TradingSettings, *, clock: Clock = SYSTEM_CLOCK, market: Market | None = None
) -> AsyncIterator[Services]:
    """The services for the loop we run on; they close with the block."""
    async with (
        open_store(settings.store) as store,
        open_exchange(settings, store, clock, market) as port,
        open_venues(settings, store, clock, port) as venues,
    ):
        services = wire(settings, store, clock, port, venues)
        await services.config.take_file()
        works = [services.cache.run] + ([services.worker.run] if port is not None else [])
        async with in_background(*works), services.feed.open():
            yield services


def wire(
    settings: TradingSettings,
    store: Store,
    clock: Clock,
    port: ExchangePort | None,
    venues: Mapping[str, ExchangePort | None] | None = None,
) -> Services:
    """The services over an open store and an exchange, if there is one.

    `venues` are the exchanges whose order books are shown; by default the one we trade on.
    """
    exchange = ExchangeAsync(port)
    market = MarketDataServiceAsync(exchange)
    ledger = LedgerAsync(store, exchange, clock)
    config = ConfigServiceAsync(store, clock, settings.config)
    cache = CacheAsync(store, clock)
    risk = RiskManagerAsync(exchange, market, ledger, config, store)
    portfolio = PortfolioManagerAsync(market, ledger, risk, config)
    backtest = BacktestServiceAsync(store, clock, config, Pool(settings.backtest_workers))
    placement = Placement(store, exchange, risk, clock, cache)
    keys = IdempotencyKeys(store, clock)
    orders = OrderServiceAsync(exchange, placement, keys, FoundOrders(store, cache), _new_id)
    cycle = Cycle(config, exchange, backtest, portfolio, executes=settings.bot_executes)
    worker = BotWorker(store, clock, _new_id(), cycle.decide, orders)
    return Services(
        settings=settings,
        config=config,
        exchange=exchange,
        balances=BalanceServiceAsync(exchange, cache),
        positions=PositionsServiceAsync(store, exchange, ledger, cache),
        orders=orders,
        market=market,
        orderbook=OrderbookServiceAsync(venues or {settings.exchange: port}),
        live=LivePortfolioServiceAsync(exchange, market, ledger, clock),
        risk=risk,
        portfolio=portfolio,
        backtest=backtest,
        bot=BotManagerAsync(store, clock, _new_id, worker.owner, able=port is not None),
        worker=worker,
        cache=cache,
        monitoring=MonitoringServiceAsync(store, clock, cache, ledger, partial(queue_size, port)),
        feed=MarketFeed(port),
    )


def _new_id() -> str:
    return uuid4().hex
