"""What a backtest is asked, and what it comes to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared_services.strategies.model import Combined, Signal
from shared_services.strategies.parameters import Given


@dataclass(frozen=True, slots=True)
class Costs:
    """Fractions, but for the capital; `stop` and `target` are distances from the entry price."""

    initial_capital: Decimal
    commission: Decimal
    slippage: Decimal
    max_position_size: Decimal
    stop: Decimal
    target: Decimal


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """Times in µs since 1970 UTC; `position` is signed, `commission` and `slippage` are money."""

    entry_time: int
    exit_time: int
    entry_price: Decimal
    exit_price: Decimal
    position: Decimal
    commission: Decimal
    slippage: Decimal
    pnl: Decimal


@dataclass(frozen=True, slots=True)
class Performance:
    """`win_rate` and `max_drawdown` are fractions."""

    total_trades: int
    winning_trades: int
    losing_trades: int
    win_rate: float
    total_pnl: Decimal
    max_drawdown: float
    sharpe_ratio: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where two averages crossed, and which way; `type` is `buy` or `sell`."""

    index: int
    type: str


@dataclass(frozen=True, slots=True)
class Averages:
    """What a backtest of ema_crossover tells beside: the last values, not series."""

    ema_fast: float
    ema_slow: float
    signals: tuple[Crossing, ...]
    signal_result: Signal


@dataclass(frozen=True, slots=True)
class Backtest:
    """`equity_curve` by time (µs); `created_at` (ms) is when the request was first run."""

    id: str
    strategy: str
    created_at: int
    performance: Performance
    trade_history: tuple[ClosedTrade, ...]
    equity_curve: Mapping[int, Decimal]
    averages: Averages | None = None


@dataclass(frozen=True, slots=True)
class Best:
    """The combination with the highest Sharpe ratio, its values as sent."""

    parameters: Mapping[str, object]
    performance: Performance


@dataclass(frozen=True, slots=True)
class Echo:
    """`results` as sent; `analysis_timestamp` in ms."""

    analysis_timestamp: int
    results: object
    strategy: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands in the place of a strategy that could not run."""

    error: str


@dataclass(frozen=True, slots=True)
class Share:
    """What the configuration makes of a strategy."""

    enabled: bool
    min_confidence: float
    weight: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """`timestamp` in ms; signals by strategy, in the order asked for."""

    symbol: str
    timeframe: str
    timestamp: int
    current_price: Decimal
    signals: Mapping[str, Signal | Failed]
    combined: Combined
    shares: Mapping[str, Share]

    @property
    def valid_signals(self) -> int:
        return sum(isinstance(one, Signal) for one in self.signals.values())


@dataclass(frozen=True, slots=True)
class Simulation:
    """The short simulation, long only and without costs; `win_rate` is a fraction."""

    strategy: str
    parameters: Mapping[str, object]
    initial_balance: Decimal
    final_balance: Decimal
    total_profit: Decimal
    total_return_pct: Decimal
    avg_trade_profit: Decimal
    total_trades: int
    profitable_trades: int
    win_rate: float
    open_positions: int
    backtest_period: int


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A backtest as it is run, every default filled in."""

    strategy: str
    given: Given
    costs: Costs
