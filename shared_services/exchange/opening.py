"""From the settings to the exchange we trade on, and to those whose order books we show."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from shared_services.clock import Clock
from shared_services.exchange.ccxt.adapter import CcxtExchange, open_ccxt
from shared_services.exchange.ccxt.client import Keys, Venue
from shared_services.exchange.paper.account import open_account
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.paper.market import Market
from shared_services.exchange.paper.synthetic import SyntheticMarket
from shared_services.exchange.port import ExchangePort, NoExchangeError
from shared_services.nonces.owner import NonceOwner, Unit
from shared_services.nonces.turns import Budget
from shared_services.settings import TradingSettings
from shared_services.storage import Store

PAPER: Final = "paper"
LIVE: Final = "bitfinex"  # the one whose orders and accounts we know how to read

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_exchange(
    settings: TradingSettings, store: Store, clock: Clock, market: Market | None
) -> AsyncIterator[ExchangePort | None]:
    """The exchange to trade on; None, and why in the log, if it cannot be used: never another."""
    if settings.exchange == PAPER:
        await store.transaction(open_account, settings.paper_balances, clock.now_ms())
        yield PaperExchange(store, market or SyntheticMarket(settings.paper_seed), clock)
        return
    async with AsyncExitStack() as stack:
        try:
            venue = _trading_venue(settings)
            owner = _owner(venue, settings, store, clock)
            port = await stack.enter_async_context(open_ccxt(venue, owner, store, clock))
        except NoExchangeError as error:
            _log.error("no trading: %s", error)
            port = None
        yield port


@asynccontextmanager
async def open_venues(
    settings: TradingSettings, store: Store, clock: Clock, trading: ExchangePort | None
) -> AsyncIterator[Mapping[str, ExchangePort | None]]:
    """In the configured order, by id; None for one that cannot be used.

    `trading` is used again where its id is listed, which is all there is by default.
    """
    async with AsyncExitStack() as stack:
        venues: dict[str, ExchangePort | None] = {}
        for name in settings.orderbook_exchanges or (settings.exchange,):
            if name == settings.exchange:
                venues[name] = trading
                continue
            try:
                opening = open_ccxt(_public_venue(name, settings), None, store, clock)
                venues[name] = await stack.enter_async_context(opening)
            except NoExchangeError as error:
                _log.error("no order books: %s", error)
                venues[name] = None
        yield venues


def queue_size(port: ExchangePort | None) -> int:
    """How many calls wait for their nonce in this process; the paper exchange needs none."""
    return port.queue_size if isinstance(port, CcxtExchange) else 0


def _trading_venue(settings: TradingSettings) -> Venue:
    name, key, secret = settings.exchange, settings.bitfinex_api_key, settings.bitfinex_api_secret
    if name != LIVE:
        raise NoExchangeError(f"no adapter for exchange {name!r}, only for {PAPER!r} and {LIVE!r}")
    if key is None or secret is None:
        raise NoExchangeError("BITFINEX_API_KEY and BITFINEX_API_SECRET are both needed")
    url, sandbox = settings.exchange_url, settings.exchange_sandbox
    return Venue(name, Keys(key, secret), url=url, sandbox=sandbox)


def _owner(venue: Venue, settings: TradingSettings, store: Store, clock: Clock) -> NonceOwner:
    budget, unit = Budget(settings.calls_per_minute), Unit(settings.nonce_unit)
    key, _ = venue.secrets
    return NonceOwner(store, clock, key, budget=budget, unit=unit)


def _public_venue(name: str, settings: TradingSettings) -> Venue:
    if name == PAPER:
        raise NoExchangeError(f"{PAPER!r} has books only where it is traded on")
    return Venue(name, url=settings.exchange_url if name == LIVE else None)
