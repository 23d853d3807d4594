"""The live portfolio: the account and the market as the exchange reports them now, never cached."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Final, Protocol

from shared_services.clock import Clock
from shared_services.exchange.port import ExchangeFailedError
from shared_services.exchange.service import ExchangeAsync, Outage
from shared_services.ledger.model import Account, Accounts
from shared_services.live import portfolio
from shared_services.live.model import (
    FailedMarket,
    LiveMarket,
    MarketOverview,
    Performance,
    PositionValue,
    Snapshot,
    TradeQuestion,
    Verdict,
)
from shared_services.live.overview import market
from shared_services.live.reading import DEFAULT_SYMBOLS, value_of
from shared_services.market.model import Look, Unseen
from shared_services.symbols import pricing_symbol, usd_symbol
from shared_services.together import together

_OUTAGE: Final = Outage(
    error="Exchange service not available",
    message="Live data required for trading - no fallback data",
    failed="Live portfolio data unavailable",
)


class Markets(Protocol):
    async def looks(self, symbols: Sequence[str]) -> list[Look | Unseen]:
        """Each in its place; raises NoExchangeError."""
        ...


class LivePortfolioServiceAsync:
    """Every method raises ExchangeNotConfigured and ExchangeFailed."""

    def __init__(
        self, exchange: ExchangeAsync, markets: Markets, ledger: Accounts, clock: Clock
    ) -> None:
        self._exchange = exchange
        self._markets = markets
        self._ledger = ledger
        self._clock = clock

    async def snapshot(self, symbols: Sequence[str] = DEFAULT_SYMBOLS) -> Snapshot:
        """What is held of `symbols`; a price that fails matters only if its symbol is held."""
        with _OUTAGE.told():
            account = await self._ledger.account()
            works = [partial(self._quality, symbol, account) for symbol in symbols]
            quality = await together(works)
        return portfolio.snapshot(account, dict(zip(symbols, quality, strict=True)))

    async def performance(self) -> Performance:
        return portfolio.performance(await self.snapshot())

    async def position_value(self, symbol: str, amount: Decimal) -> PositionValue:
        """Raises also InvalidQuery, for an amount beyond all values."""
        with _OUTAGE.told():
            price = await self._price(symbol)
        value = value_of(amount, price)
        return PositionValue(symbol, amount, price, value, self._clock.now_ms())

    async def validate_trade(self, trade: TradeQuestion) -> Verdict:
        """Whether the account could pay or deliver. Raises also InvalidQuery, as above."""
        with _OUTAGE.told():
            price = await self._price(trade.symbol)
            balances = await self._exchange.port.balances()
        value_of(trade.amount, price)
        return portfolio.verdict(trade, balances, price)

    async def market_overview(self, symbols: Sequence[str] = DEFAULT_SYMBOLS) -> MarketOverview:
        """Each symbol in its place, also one that fails; ExchangeFailed if all of them do."""
        with _OUTAGE.told():
            markets = [self._seen(look) for look in await self._markets.looks(symbols)]
            first = markets[0]
            if isinstance(first, FailedMarket) and not any(map(_is_live, markets)):
                raise ExchangeFailedError(first.error)
        return MarketOverview(tuple(markets), first.timestamp)

    async def _price(self, symbol: str) -> Decimal:
        ticker = await self._exchange.port.ticker(pricing_symbol(symbol))
        return ticker.last

    async def _quality(self, symbol: str, account: Account) -> bool:
        """Whether its price can be read; raises ExchangeFailedError if it cannot, and is held."""
        if pricing_symbol(symbol) in {usd_symbol(one.currency) for one in account.holdings}:
            return True  # the account was valued at it
        try:
            await self._price(symbol)
        except ExchangeFailedError:
            if portfolio.is_held(account, symbol):
                raise
            return False
        return True

    def _seen(self, look: Look | Unseen) -> LiveMarket | FailedMarket:
        if isinstance(look, Unseen):
            return FailedMarket(look.symbol, look.error)
        found = market(look.symbol, look.bars, look.ticker, look.book, self._clock.now_ms())
        return found or FailedMarket(look.symbol, f"no market data of {look.symbol}")


def _is_live(one: LiveMarket | FailedMarket) -> bool:
    return isinstance(one, LiveMarket)
