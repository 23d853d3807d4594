"""Shapes of backtests."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue

from fastapi_app.schemas import Absent, IsoN, Number, Wire
from shared_services.backtest.model import Averages, Backtest, Best, Echo, Performance
from shared_services.strategies.catalogue import STRATEGIES
from shared_services.strategies.parameters import PARAMETERS, Parameter, read_parameters
from shared_services.wire import as_sent, bar_key, http_date, iso_n

StrategyName = Literal["ema_crossover", "rsi", "fvg", "sample"]
HttpDate = Annotated[str, BeforeValidator(lambda us: http_date(us // 1000))]
PriceData = dict[str, list[Any]] | list[dict[str, Any]]


class RiskParamsIn(Wire):
    """Where absent, the configuration's."""

    max_position_size: float | None = Field(None, gt=0, le=1)
    stop_loss_pct: float | None = Field(None, gt=0, lt=1, description="A fraction")
    take_profit_pct: float | None = Field(None, gt=0, description="A fraction")


class RunParametersIn(Wire):
    """With the strategy's own parameters beside."""

    initial_capital: float | None = Field(None, gt=0)
    commission: float | None = Field(None, ge=0, lt=1)
    slippage: float | None = Field(None, ge=0, lt=1)
    risk_params: RiskParamsIn | None = None


class RunIn(Wire):
    """Columns or rows, at least `timestamp` and `close`; `high` and `low` too for `fvg`."""

    strategy: StrategyName
    data: PriceData
    parameters: RunParametersIn | None = None


class OptimizeIn(RunIn):
    param_grid: dict[str, list[Any]] = Field(description="By parameter, the values to try")


class AnalysisIn(Wire):
    strategy: StrategyName
    data: PriceData
    results: JsonValue


class TradeOut(Wire):
    entry_time: HttpDate
    exit_time: HttpDate
    entry_price: Number
    exit_price: Number
    position: Number
    commission: Number
    slippage: Number
    pnl: Number


class CrossingOut(Wire):
    index: int
    type: str


class SignalResultOut(Wire):
    action: str
    confidence: float
    metadata: dict[str, JsonValue]


class FiguresOut(Wire):
    win_rate: float
    total_pnl: Number
    max_drawdown: float
    sharpe_ratio: float


class BacktestOut(FiguresOut):
    id: str
    total_trades: int
    winning_trades: int
    losing_trades: int
    trade_history: list[TradeOut]
    equity_curve: dict[str, Number]
    ema_fast: float | Absent = None
    ema_slow: float | Absent = None
    signals: list[CrossingOut] | Absent = None
    signal_result: SignalResultOut | Absent = None

    @classmethod
    def of(cls, value: Backtest, **more: Any) -> Self:
        return cls(
            id=value.id,
            trade_history=[TradeOut.model_validate(one) for one in value.trade_history],
            equity_curve={bar_key(at): money for at, money in value.equity_curve.items()},
            **_fields(value.performance),
            **({} if value.averages is None else _fields(value.averages)),
            **more,
        )


class StoredBacktestOut(BacktestOut):
    strategy: str
    created_at: IsoN

    @classmethod
    def of(cls, value: Backtest, **more: Any) -> Self:
        return super().of(value, strategy=value.strategy, created_at=value.created_at, **more)


class BestOut(Wire):
    parameters: dict[str, JsonValue]
    performance: FiguresOut

    @classmethod
    def of(cls, value: Best) -> Self:
        parameters: Any = as_sent(dict(value.parameters))
        return cls(parameters=parameters, performance=FiguresOut.model_validate(value.performance))


class EchoOut(Wire):
    analysis_timestamp: str
    results: JsonValue
    strategy: str

    @classmethod
    def of(cls, value: Echo) -> Self:
        results: Any = as_sent(value.results)
        return cls(
            analysis_timestamp=iso_n(value.analysis_timestamp),
            results=results,
            strategy=value.strategy,
        )


class ParameterOut(Wire):
    type: str
    default: int | float | str | Absent = None
    min: int | float | Absent = None
    max: int | float | Absent = None
    values: list[str] | Absent = None

    @classmethod
    def of(cls, value: Parameter) -> Self:
        return cls(
            type=value.type,
            default=value.default,
            min=value.low,
            max=value.high,
            values=list(value.values) or None,
        )


class StrategyOut(Wire):
    id: str
    name: str
    description: str
    min_bars: int
    parameters: dict[str, ParameterOut]


class StrategiesOut(Wire):
    strategies: list[StrategyOut]
    total_strategies: int

    @classmethod
    def of_all(cls) -> Self:
        return cls(
            strategies=[_strategy(name) for name in STRATEGIES], total_strategies=len(STRATEGIES)
        )


def _strategy(name: str) -> StrategyOut:
    known = STRATEGIES[name]
    return StrategyOut(
        id=name,
        name=known.title,
        description=known.description,
        min_bars=known.needs(read_parameters(name, {})),
        parameters={key: ParameterOut.of(one) for key, one in PARAMETERS[name].items()},
    )


def _fields(value: Performance | Averages) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
