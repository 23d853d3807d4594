"""The strategies: the contract's vectors, TA-Lib, and one algorithm for series and single signals."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from shared_services.config.model import CombinationMethod, StrategyWeight, TradingConfig
from shared_services.errors import InsufficientData, InvalidParameters
from shared_services.strategies.catalogue import ACTIONS, STRATEGIES, signal
from shared_services.strategies.combination import NO_SIGNALS, NONE_LEFT, combine
from shared_services.strategies.indicators import ema, rsi
from shared_services.strategies.model import PROBABILITIES, Action, Probabilities, Signal
from shared_services.strategies.parameters import read_parameters
from shared_services.strategies.series import Bars
from tests.contract.prices import V60
from tests.fakes import EXAMPLE_NOW

T = np.array(
    [
        44.34,
        44.09,
        44.15,
        43.61,
        44.33,
        44.83,
        45.10,
        45.42,
        45.84,
        46.08,
        45.89,
        46.03,
        45.61,
        46.28,
        46.28,
        46.00,
        46.03,
        46.41,
        46.22,
        45.64,
    ]
)
RISING, FALLING = [1.0] * 10 + [16.0] * 5, [16.0] * 10 + [1.0] * 5
CROSSOVER = {"fast_period": 3, "slow_period": 5, "lookback": 5}


def bars(
    close: list[float], high: list[float] | None = None, low: list[float] | None = None
) -> Bars:
    doubles = (np.array(column or (), dtype=np.float64) for column in (close, high, low))
    return Bars(*doubles)


def says(name: str, prices: Bars, **parameters: Any) -> Signal:
    return signal(name, prices, read_parameters(name, parameters))


def test_ema_and_rsi_are_those_of_the_contract() -> None:
    assert rsi(T, 14)[14:] == pytest.approx(
        [70.4641350211, 66.2496185536, 66.4809418347, 69.3468531629, 66.2947126589, 57.9150206701]
    )
    assert ema(T, 5)[[4, 5, 6, 19]] == pytest.approx([44.104, 44.346, 44.5973333333, 45.9960536194])
    close = np.array(V60["close"], dtype=float)
    assert ema(close, 12)[-1] == pytest.approx(42457.3260971034)
    assert ema(close, 26)[-1] == pytest.approx(41998.4433313745)
    assert rsi(close, 14)[-1] == pytest.approx(89.1742124798)


prices = st.lists(
    st.floats(min_value=0.01, max_value=1e6).map(lambda price: round(price, 2)),
    min_size=1,
    max_size=80,
)


@given(prices, st.integers(1, 30))
def test_the_ema_is_that_of_talib(close: list[float], length: int) -> None:
    ours = ema(np.array(close), length)
    assert np.isnan(ours).sum() == min(length - 1, len(close))
    if 2 <= length <= len(close):
        theirs = talib.EMA(np.array(close), timeperiod=length)
        assert ours[length - 1 :] == pytest.approx(theirs[length - 1 :], rel=1e-9)


@given(prices, st.integers(2, 30))
def test_the_rsi_is_that_of_talib_where_prices_move(close: list[float], length: int) -> None:
    ours = rsi(np.array(close), length)
    assert np.isnan(ours).sum() == min(length, len(close))
    if length < len(close):
        theirs = talib.RSI(np.array(close), timeperiod=length)
        moved = theirs != 0  # it says 0 where nothing moved, too
        assert ours[length:][moved[length:]] == pytest.approx(
            theirs[length:][moved[length:]], rel=1e-6
        )


def test_where_nothing_moves_the_rsi_is_50_and_talib_says_0() -> None:
    flat = np.full(30, 7.0)
    assert set(rsi(flat, 14)[14:]) == {50.0}
    assert set(talib.RSI(flat, timeperiod=14)[14:]) == {0.0}


@pytest.mark.parametrize(("length", "calm"), [(14, 600), (2, 2000)])
def test_a_long_calm_does_not_turn_what_was_before_into_a_signal_to_buy(
    length: int, calm: int
) -> None:
    close = np.array([1.0, 2.0, 1.5] * 10 + [2.0] * calm)
    assert rsi(close, length)[-1] == rsi(close, length)[30]
    assert says("rsi", bars(close.tolist()), rsi_period=length).action is not Action.BUY


def test_after_a_long_calm_talib_says_0() -> None:
    close = np.array([1.0, 2.0, 1.5] * 10 + [2.0] * 2000)
    assert talib.RSI(close, timeperiod=2)[-1] == 0


def test_prices_near_the_largest_double_have_averages() -> None:
    huge = np.array([1e308, 1.5e308, 1.7e308, 1.2e308])
    assert np.isfinite(ema(huge, 3)[2:]).all()
    assert np.isfinite(rsi(huge, 2)[2:]).all()


@pytest.mark.parametrize(
    ("close", "action", "fast", "slow", "confidence"),
    [
        (RISING, Action.BUY, 15.53125, 14.0246913580, 0.1074218750),
        (FALLING, Action.SELL, 1.46875, 2.9753086420, 0.5063537344),
    ],
)
def test_a_recent_crossing_that_the_gap_confirms_is_a_signal(
    close: list[float], action: Action, fast: float, slow: float, confidence: float
) -> None:
    said = says("ema_crossover", bars(close), **CROSSOVER)
    assert (said.action, said.position_size) == (action, 1.0)
    assert said.confidence == pytest.approx(confidence)
    assert said.metadata["ema_fast"] == pytest.approx(fast)
    assert said.metadata["ema_slow"] == pytest.approx(slow)
    assert said.probabilities == PROBABILITIES[action]


def test_the_crossing_is_at_bar_10_and_v60_has_those_of_the_contract() -> None:
    def crossings(close: list[float], **parameters: Any) -> list[tuple[int, int]]:
        given = read_parameters("ema_crossover", parameters)
        found = STRATEGIES["ema_crossover"].says(bars(close), given).crossings
        assert found is not None
        return [(int(place), int(found[place])) for place in found.nonzero()[0]]

    assert crossings(RISING, **CROSSOVER) == [(10, 1)]
    assert crossings(FALLING, **CROSSOVER) == [(10, -1)]
    close = [float(price) for price in V60["close"]]
    assert crossings(close) == [(44, 1)]
    assert crossings(close, fast_period=3, slow_period=5) == [(32, 1)]


def test_a_fall_without_a_crossing_is_no_signal() -> None:
    said = says("ema_crossover", bars([1.0] * 13), fast_period=3, slow_period=5)
    assert (said.action, said.confidence, said.position_size) == (Action.HOLD, 0.0, 0.0)
    assert says("ema_crossover", bars([0.1] * 40), **CROSSOVER).action is Action.HOLD


@pytest.mark.parametrize(
    "parameters",
    [
        {"lookback": 4},
        {"direction": "bearish"},
        {"min_gap": 3},
        {"buy_threshold": Decimal("1.6")},
    ],
)
def test_what_narrows_down_crossings_can_leave_none(parameters: dict[str, Any]) -> None:
    assert says("ema_crossover", bars(RISING), **CROSSOVER | parameters).action is Action.HOLD


def test_a_limit_within_the_tolerance_counts_as_reached() -> None:
    gap = says("ema_crossover", bars(RISING), **CROSSOVER).metadata["gap"]
    assert isinstance(gap, float)
    at_the_limit = CROSSOVER | {"buy_threshold": Decimal(gap + 5e-10)}
    assert says("ema_crossover", bars(RISING), **at_the_limit).action is Action.BUY


def test_the_first_zone_that_the_price_is_in_gives_the_direction() -> None:
    columns = [105.0, 128, 130, 115], [110.0, 130, 135, 131], [90.0, 105, 120, 114]
    said = says("fvg", bars(*columns))
    assert (said.action, said.confidence) == (Action.BUY, 0.7)
    zone = said.metadata["fvg_zone"]
    assert zone == {"direction": "bullish", "gap_low": 110, "gap_high": 120, "index": 1, "size": 10}
    assert says("fvg", bars(*columns), direction="bearish").action is Action.HOLD
    assert says("fvg", bars(*columns), lookback=1).action is Action.HOLD


def test_too_few_bars_are_no_signal_but_an_error() -> None:
    with pytest.raises(InsufficientData, match="need at least 27 data points, got 26"):
        says("ema_crossover", bars([1.0] * 26))


def test_everything_that_is_wrong_with_parameters_is_told() -> None:
    with pytest.raises(InvalidParameters) as caught:
        read_parameters("rsi", {"rsi_period": 1.5, "overbought": 20, "oversold": None})
    assert caught.value.details == (
        "rsi_period must be an integer between 2 and 500",
        "overbought must be between 50 and 100",
    )


walks = st.lists(st.sampled_from([-3, -2, -1, 0, 1, 2, 3]), min_size=3, max_size=60)
PARAMETERS: dict[str, dict[str, Any]] = {
    "ema_crossover": {"fast_period": 2, "slow_period": 4, "lookback": 3, "min_gap": Decimal("0.1")},
    "rsi": {"rsi_period": 3, "overbought": 60, "oversold": 40},
    "fvg": {"lookback": 4, "min_gap_size": 1},
    "sample": {"indicator_value": 1},
}


@pytest.mark.parametrize("name", STRATEGIES)
@given(walks)
def test_a_series_says_at_each_bar_what_the_bars_up_to_it_say(name: str, steps: list[int]) -> None:
    close = [float(price) for price in np.cumsum([100, *steps])]
    high = [price + 1 + place % 3 for place, price in enumerate(close)]
    low = [price - 1 - place % 2 for place, price in enumerate(close)]
    whole, given_ = bars(close, high, low), read_parameters(name, PARAMETERS[name])
    said = STRATEGIES[name].says(whole, given_)
    for place in range(len(close)):
        action = ACTIONS[int(said.actions[place])]
        if place + 1 < STRATEGIES[name].needs(given_):
            assert action is Action.HOLD
            continue
        alone = signal(name, whole.part(0, place + 1), given_)
        assert action is alone.action
        assert math.isclose(said.confidence[place], alone.confidence, rel_tol=1e-9)


def config(method: CombinationMethod, *weights: tuple[str, float, float]) -> TradingConfig:
    return TradingConfig(
        combination=method,
        weights=tuple(
            StrategyWeight(name, enabled=True, weight=weight, min_confidence=least)
            for name, weight, least in weights
        ),
    )


def thought(action: Action, confidence: float = 0.7) -> Signal:
    return Signal(action, confidence, 1.0, PROBABILITIES[action])


AVERAGE, VOTE = CombinationMethod.WEIGHTED_AVERAGE, CombinationMethod.MAJORITY_VOTE
THREE = (("ema_crossover", 0.4, 0.5), ("rsi", 0.4, 0.5), ("fvg", 0.2, 0.5))


def combined(method: CombinationMethod, **signals: Signal) -> Any:
    return combine(signals, config(method, *THREE), symbol="X", price=Decimal(1), now=EXAMPLE_NOW)


@pytest.mark.parametrize(
    ("method", "actions", "expected"),
    [
        (AVERAGE, (Action.BUY, Action.SELL, Action.HOLD), Action.BUY),
        (AVERAGE, (Action.SELL, Action.BUY, Action.HOLD), Action.BUY),
        (AVERAGE, (Action.SELL, Action.HOLD, Action.SELL), Action.SELL),
        (VOTE, (Action.BUY, Action.SELL, Action.HOLD), Action.HOLD),
        (VOTE, (Action.BUY, Action.SELL, Action.SELL), Action.SELL),
    ],
)
def test_the_combined_action(
    method: CombinationMethod, actions: tuple[Action, Action, Action], expected: Action
) -> None:
    first, second, third = (thought(action) for action in actions)
    assert combined(method, ema_crossover=first, rsi=second, fvg=third).action is expected


def test_equal_signals_are_one_without_noise() -> None:
    found = combined(AVERAGE, rsi=thought(Action.BUY), fvg=thought(Action.BUY))
    assert (found.confidence, found.probabilities) == (0.7, Probabilities(0.7, 0.1, 0.2))
    assert found.risk_score == pytest.approx(0.51)
    assert found.metadata["strategies_used"] == ["rsi", "fvg"]
    assert found.metadata["total_weight"] == pytest.approx(0.6)


def test_without_a_usable_signal_there_is_a_reason() -> None:
    assert combined(AVERAGE).metadata["reason"] == NO_SIGNALS
    unsure = combined(AVERAGE, rsi=thought(Action.BUY, 0.49), sample=thought(Action.BUY))
    assert unsure.metadata["reason"] == NONE_LEFT
    assert (unsure.action, unsure.risk_score) == (Action.HOLD, 1.0)


def test_as_sure_as_it_must_be_is_sure_enough() -> None:
    assert combined(AVERAGE, rsi=thought(Action.BUY, 0.5 - 5e-10)).action is Action.BUY
