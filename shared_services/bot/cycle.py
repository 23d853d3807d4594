"""What the bot does every five minutes: look, decide, and say what to order."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

from shared_services.bot.model import Decision
from shared_services.bot.ordering import Body, market_order, tradable
from shared_services.config.model import TradingConfig, TradingWindow
from shared_services.errors import Invalid
from shared_services.exchange.model import Candle
from shared_services.exchange.port import ExchangeFailedError
from shared_services.exchange.service import ExchangeAsync, Outage
from shared_services.strategies.model import Action, Signal

BARS: Final = 1000  # what strategies see; the most that any needs is 501

_HOUR_MS: Final = 3_600_000
_LIVE: Final = Outage("Exchange service not available", failed="Bot cycle failed")


class Configuration(Protocol):
    async def current(self) -> TradingConfig: ...


class Strategies(Protocol):
    async def analyse(
        self, name: str, bars: Sequence[Candle], parameters: Mapping[str, object]
    ) -> Signal:
        """Raises Invalid if the strategy cannot run: too few bars, or a wrong parameter."""
        ...


class Proposal(Protocol):
    """What the portfolio would do about one symbol; `amount` in the base currency."""

    @property
    def action(self) -> Action: ...
    @property
    def amount(self) -> Decimal: ...
    @property
    def confidence(self) -> float: ...
    @property
    def risk_score(self) -> float: ...
    @property
    def errors(self) -> tuple[str, ...]: ...
    @property
    def should_execute(self) -> bool: ...


class Portfolio(Protocol):
    async def decide(self, symbol: str, signals: Mapping[str, Signal], price: Decimal) -> Proposal:
        """Signals combined, sized within the bot's limit and checked; raises ExchangeError."""
        ...


class Cycle:
    """Reads only. With `executes`, a decision to trade comes with the order that follows from it."""

    def __init__(
        self,
        config: Configuration,
        exchange: ExchangeAsync,
        strategies: Strategies,
        portfolio: Portfolio,
        *,
        executes: bool,
    ) -> None:
        self._config = config
        self._exchange = exchange
        self._strategies = strategies
        self._portfolio = portfolio
        self._executes = executes

    async def decide(self, at: int) -> Decision | None:
        """What to do at `at` (ms); None outside of the trading window.

        Raises ExchangeNotConfigured, ExchangeFailed and whatever else may be better next time.
        """
        config = await self._config.current()
        if not is_open(config.window, at):
            return None
        with _LIVE.told():
            bars = await self._exchange.port.candles(config.symbol, config.timeframe, BARS)
            if not bars:
                raise ExchangeFailedError(f"no bars of {config.symbol}")
            signals, skipped = await self._signals(config, bars)
            price = bars[-1].close
            proposal = await self._portfolio.decide(config.symbol, signals, price)
            wanted = self._executes and proposal.should_execute
            order = await self._order(config.symbol, proposal) if wanted else None
        return Decision(
            symbol=config.symbol,
            action=proposal.action,
            amount=proposal.amount,
            price=price,
            confidence=proposal.confidence,
            risk_score=proposal.risk_score,
            errors=proposal.errors,
            should_execute=proposal.should_execute,
            skipped=skipped,
            daily_limit=config.window.max_trades_per_day,
            order=order,
        )

    async def _signals(
        self, config: TradingConfig, bars: Sequence[Candle]
    ) -> tuple[dict[str, Signal], dict[str, str]]:
        """Of each enabled strategy its signal, or why it has none."""
        signals: dict[str, Signal] = {}
        skipped: dict[str, str] = {}
        for name in (one.name for one in config.enabled):
            try:
                parameters = config.parameters.get(name, {})
                signals[name] = await self._strategies.analyse(name, bars, parameters)
            except Invalid as error:
                skipped[name] = error.error
        return signals, skipped

    async def _order(self, symbol: str, proposal: Proposal) -> Body | None:
        balances = await self._exchange.port.balances()
        pair = tradable(symbol, await self._exchange.port.instruments(), balances)
        if pair is None:
            raise ExchangeFailedError(f"no market in which {symbol} can be traded")
        return market_order(proposal.action, proposal.amount, pair, balances)


def is_open(window: TradingWindow, at: int) -> bool:
    """Whether the UTC hour of `at` (ms) is one of the window."""
    return window.start_hour <= at // _HOUR_MS % 24 < window.end_hour
