"""BacktestServiceAsync: backtests, analyses and what the strategies are."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Final, TypeVar

from anyio import to_thread

from shared_services.backtest import archive
from shared_services.backtest.model import (
    Analysis,
    Backtest,
    Best,
    Echo,
    Failed,
    Performance,
    Share,
    Simulation,
)
from shared_services.backtest.pool import Pool
from shared_services.backtest.prices import Prices, bars_of
from shared_services.backtest.reading import (
    AnalysisRequest,
    Combination,
    read_analysis,
    read_analyze,
    read_grid,
    read_run,
    read_simulation,
    read_zones,
)
from shared_services.backtest.work import run_backtest, run_grid, simulate
from shared_services.clock import Clock
from shared_services.config.model import Configuration, TradingConfig
from shared_services.errors import BacktestNotFound, Invalid, InvalidParameters
from shared_services.exchange.model import Candle
from shared_services.jsonbody import JsonObject
from shared_services.storage import Store
from shared_services.strategies.catalogue import signal
from shared_services.strategies.combination import combine
from shared_services.strategies.model import Signal
from shared_services.strategies.parameters import read_parameters
from shared_services.strategies.zones import Zone
from shared_services.together import together

T = TypeVar("T")
Progress = Callable[[int, int], None]

PIECE: Final = 25  # combinations that a worker tries at a time

_PIECES_AT_ONCE: Final = 4  # of one request: others want to get on as well

_log = logging.getLogger(__name__)


class BacktestServiceAsync:
    """Bodies are read in a thread, for they may be large; runs are worked on in `pool`.

    Every method that takes a body raises a kind of Invalid; runs may raise BacktestsBusy.
    """

    def __init__(self, store: Store, clock: Clock, config: Configuration, pool: Pool) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._pool = pool

    async def run(self, body: JsonObject) -> Backtest:
        """Run, and keep the result for a day."""
        config = await self._config.current()
        request, prices = await to_thread.run_sync(read_run, body, config)
        now = self._clock.now_ms()
        result = await self._pool.run(run_backtest, request, prices, now, bars=len(prices))
        text = await to_thread.run_sync(archive.encode, result)
        first = await self._store.transaction(archive.keep, result, text)
        return replace(result, created_at=first)

    async def result(self, name: str) -> Backtest:
        """Raises BacktestNotFound."""
        found = await self._store.read(archive.find, name, self._clock.now_ms())
        if found is None:
            raise BacktestNotFound("Backtest not found")
        return await to_thread.run_sync(archive.decode, *found)

    async def optimize(self, body: JsonObject, progress: Progress | None = None) -> Best:
        """The combination with the highest Sharpe ratio, the first on a tie.

        `progress` hears how many of how many have been tried.
        """
        config = await self._config.current()
        combinations, prices = await to_thread.run_sync(read_grid, body, config)
        found = await self._try_all(combinations, prices, progress or _log_progress)
        best = max(range(len(found)), key=lambda place: (found[place].sharpe_ratio, -place))
        return Best(combinations[best].values, found[best])

    async def _try_all(
        self, combinations: Sequence[Combination], prices: Prices, progress: Progress
    ) -> list[Performance]:
        tried = 0

        async def try_piece(piece: Sequence[Combination]) -> list[Performance]:
            nonlocal tried
            requests, bars = [one.request for one in piece], len(piece) * len(prices)
            found = await self._pool.run(run_grid, requests, prices, bars=bars)
            tried += len(piece)
            progress(tried, len(combinations))
            return found

        pieces = [
            combinations[start : start + PIECE] for start in range(0, len(combinations), PIECE)
        ]
        found = await together([partial(try_piece, piece) for piece in pieces], _PIECES_AT_ONCE)
        return [performance for piece in found for performance in piece]

    async def analysis(self, body: JsonObject) -> Echo:
        """What was sent, with a stamp."""
        strategy, results = await to_thread.run_sync(read_analysis, body)
        return Echo(self._clock.now_ms(), results, strategy)

    async def analyze(self, body: JsonObject) -> Analysis:
        """What the strategies say about prices, each by itself and combined."""
        config, now = await self._config.current(), self._clock.now_ms()
        return await to_thread.run_sync(_analysis, body, config, now)

    async def simulate(self, body: JsonObject) -> Simulation:
        """The short simulation over a rolling window."""
        risk = (await self._config.current()).risk
        request = await to_thread.run_sync(read_simulation, body)
        confidence, bars = float(risk.min_signal_confidence), len(request.columns["close"])
        work = bars * request.window // 10  # one look at a window costs as much as ten bars
        return await self._pool.run(
            simulate, request, confidence, risk.max_position_size, bars=work
        )

    async def zones(self, body: JsonObject) -> list[Zone[Decimal]]:
        """The fair value gaps in what was sent."""
        return await to_thread.run_sync(read_zones, body)

    async def analyse(
        self, name: str, bars: Sequence[Candle], parameters: Mapping[str, object]
    ) -> Signal:
        """What strategy `name` says about `bars`; raises Invalid if it cannot run."""
        return await to_thread.run_sync(_of_candles, name, bars, parameters)


def _of_candles(name: str, bars: Sequence[Candle], parameters: Mapping[str, object]) -> Signal:
    columns = {
        column: tuple(getattr(bar, column) for bar in bars) for column in ("close", "high", "low")
    }
    return signal(name, bars_of(columns), read_parameters(name, parameters))


def _analysis(body: JsonObject, config: TradingConfig, now: int) -> Analysis:
    request = read_analyze(body)
    bars = bars_of(request.columns)
    found: dict[str, Signal | Failed] = {}
    for name, raw in request.strategies.items():
        try:
            found[name] = _named(name, signal(name, bars, read_parameters(name, raw)), request)
        except Invalid as error:
            found[name] = Failed(_why(error))
    price = request.columns["close"][-1]
    signals = {name: one for name, one in found.items() if isinstance(one, Signal)}
    return Analysis(
        symbol=request.symbol,
        timeframe=request.timeframe,
        timestamp=now,
        current_price=price,
        signals=found,
        combined=combine(signals, config, symbol=request.symbol, price=price, now=now),
        shares={
            one.name: Share(one.enabled, one.min_confidence, one.weight) for one in config.weights
        },
    )


def _named(name: str, said: Signal, request: AnalysisRequest) -> Signal:
    """Of rsi, clients also get to know what they asked about."""
    if name != "rsi":
        return said
    asked = {"symbol": request.symbol, "timeframe": request.timeframe}
    return replace(said, metadata={**said.metadata, **asked})


def _why(error: Invalid) -> str:
    if isinstance(error, InvalidParameters) and error.details:
        return "; ".join(error.details)
    return error.error


def _log_progress(tried: int, total: int) -> None:
    _log.info("backtest.progress tried=%s total=%s", tried, total)
