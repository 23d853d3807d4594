"""Backtests, analyses, simulations, and what is told of strategies."""

from hypothesis import strategies as st

from fastapi_app.backtest import schemas as backtest_schemas
from fastapi_app.strategy import schemas
from legacy_flask.wire import backtest as backtest_wire
from legacy_flask.wire import strategy as wire
from shared_services.backtest.model import (
    Analysis,
    Averages,
    Backtest,
    Best,
    ClosedTrade,
    Crossing,
    Echo,
    Failed,
    Performance,
    Share,
    Simulation,
)
from shared_services.risk.model import NO_POSITIONS, PositionsAssessment, PositionsRisk
from shared_services.strategies.model import Action, Combined, Probabilities, Signal
from shared_services.strategies.zones import Zone
from tests.contract.shape import Pair, built, milliseconds, money, real, text

_microseconds = milliseconds.map(lambda ms: ms * 1000 + ms % 7)
_names = st.sampled_from(["ema_crossover", "rsi", "fvg", "sample"])
_actions = st.sampled_from(Action)
_odds = st.builds(Probabilities, real, real, real)
_metadata = st.dictionaries(text, real | text, max_size=3)
_sent = st.dictionaries(text, st.booleans() | st.integers() | money | text, max_size=3)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | money | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=5,
)
_signal = st.builds(Signal, _actions, real, real, _odds, _metadata)
_performance = st.builds(
    Performance,
    *(3 * [st.integers(0, 1000)]),
    win_rate=real,
    total_pnl=money,
    max_drawdown=real,
    sharpe_ratio=real,
)
_averages = st.builds(
    Averages,
    real,
    real,
    st.lists(st.builds(Crossing, st.integers(0, 99), text), max_size=2).map(tuple),
    _signal,
)
_backtest = st.builds(
    Backtest,
    id=text,
    strategy=_names,
    created_at=milliseconds,
    performance=_performance,
    trade_history=st.lists(
        built(ClosedTrade, entry_time=_microseconds, exit_time=_microseconds), max_size=2
    ).map(tuple),
    equity_curve=st.dictionaries(_microseconds, money, max_size=3),
    averages=st.none() | _averages,
)
_combined = st.builds(Combined, _actions, real, _odds, real, _metadata)
_risk = st.just(NO_POSITIONS) | st.builds(
    PositionsRisk,
    real,
    text,
    st.lists(text, max_size=2).map(tuple),
    st.dictionaries(text, real, min_size=1, max_size=3),
    real,
    money,
    money,
)

PAIRS = {
    "backtest": Pair(backtest_wire.backtest, backtest_schemas.BacktestOut.of, _backtest),
    "stored backtest": Pair(backtest_wire.stored, backtest_schemas.StoredBacktestOut.of, _backtest),
    "best combination": Pair(
        backtest_wire.best, backtest_schemas.BestOut.of, st.builds(Best, _sent, _performance)
    ),
    "echo": Pair(
        backtest_wire.echo,
        backtest_schemas.EchoOut.of,
        st.builds(Echo, milliseconds, _json, _names),
        nulls=True,
    ),
    "list of strategies": Pair(
        lambda _: backtest_wire.strategies(),
        lambda _: backtest_schemas.StrategiesOut.of_all(),
        st.none(),
    ),
    "analysis": Pair(
        wire.analysis,
        schemas.AnalysisOut.of,
        st.builds(
            Analysis,
            text,
            text,
            milliseconds,
            money,
            st.dictionaries(_names, _signal | st.builds(Failed, text), max_size=3),
            _combined,
            st.dictionaries(_names, st.builds(Share, st.booleans(), real, real), max_size=4),
        ),
    ),
    "simulation": Pair(
        wire.simulation,
        schemas.SimulationOut,
        built(
            Simulation,
            strategy=_names,
            parameters=_sent,
            total_trades=st.integers(0, 9),
            profitable_trades=st.integers(0, 9),
            win_rate=real,
            open_positions=st.integers(0, 9),
            backtest_period=st.integers(1, 9),
        ),
    ),
    "hints for forms": Pair(
        lambda _: wire.available(), lambda _: schemas.AvailableOut.of_all(), st.none()
    ),
    "risk of positions": Pair(
        wire.assessment,
        schemas.PositionsAssessmentOut.of,
        st.builds(PositionsAssessment, _risk, milliseconds),
    ),
    "zone": Pair(
        wire.zone,
        lambda zone: schemas.ZoneOut.model_validate(zone.told()),
        st.builds(Zone, st.integers(0, 99), text, money, money),
    ),
}
