"""Sizes, stops and targets, assessments, R5 to R8, and what a portfolio is advised to do."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_services.exchange.model import OrderType, PositionType, Side
from shared_services.ledger.model import Account, Holding
from shared_services.numbers import percent
from shared_services.orders.model import OrderCommand
from shared_services.portfolio.model import Profile, RiskProfile, SymbolSignals
from shared_services.portfolio.positions import Part, allocation, by_symbol, cost, parts
from shared_services.risk.assessment import is_crowded, level_of, of_account, of_positions
from shared_services.risk.model import Exposure, GivenPosition, Odds, RiskParameters
from shared_services.risk.rules import broken_rules
from shared_services.risk.sizing import position_size, stop_and_target
from shared_services.services import Services
from shared_services.strategies.model import PROBABILITIES, Action, Signal

LIMITS: Final = RiskParameters()
SURE: Final = Odds(buy=0.7, sell=0.1, hold=0.2, confidence=0.7)
EXPOSURE: Final = Exposure(Decimal(10_000), Decimal(0), 1, Decimal(0), Decimal(2_000))
BUY: Final = OrderCommand(
    symbol="ETH/USD",
    type=OrderType.MARKET,
    side=Side.BUY,
    amount=Decimal("0.1"),
    price=None,
    position_type=PositionType.SPOT,
    leverage=Decimal(1),
    stop_loss=None,
    take_profit=None,
)
FACTORS: Final[Mapping[RiskProfile, Decimal]] = {
    RiskProfile.CONSERVATIVE: Decimal("0.5"),
    RiskProfile.MODERATE: Decimal("0.75"),
    RiskProfile.AGGRESSIVE: Decimal(1),
}

fractions = st.decimals(0, 1, places=4)
money = st.decimals(-10_000, 1_000_000, places=2)
odds = st.builds(Odds, *(st.floats(0, 1) for _ in range(4)))
limits = st.builds(
    RiskParameters,
    max_position_size=st.decimals("0.0001", 1, places=4),
    stop_loss_percent=st.decimals(0, 100, places=2),
    take_profit_percent=st.decimals(0, 100, places=2),
    probability_weight=fractions,
)


@given(money, odds, limits)
def test_a_size_is_never_above_its_part_of_what_is_available(
    available: Decimal, thought: Odds, within: RiskParameters
) -> None:
    size = position_size(available, thought, within)
    assert 0 <= size <= max(available, Decimal(0)) * within.max_position_size


def test_the_size_of_the_contract_is_exact() -> None:
    assert position_size(Decimal(8100), SURE, LIMITS) == Decimal("295.6905")


@given(st.sampled_from(Side), st.decimals("0.01", 100_000, places=2), odds, limits)
def test_stop_and_target_are_on_their_sides_and_within_their_distances(
    side: Side, entry: Decimal, thought: Odds, within: RiskParameters
) -> None:
    stop, target = stop_and_target(side, entry, thought, within)
    sign, close = (1 if side is Side.BUY else -1), entry * Decimal("1e-9")
    lost, won = sign * (entry - stop), sign * (target - entry)
    assert -close <= lost <= entry * within.stop_loss_percent / 100 + close
    assert -close <= won <= entry * Decimal("0.30") + close
    assert won >= entry * min(within.take_profit_percent / 100, Decimal("0.30")) - close


@pytest.mark.parametrize(
    ("side", "stop", "target"),
    [(Side.BUY, "1970.2", "2054"), (Side.SELL, "2029.8", "1946")],
)
def test_a_sale_has_its_stop_above_and_its_target_below(side: Side, stop: str, target: str) -> None:
    found = stop_and_target(side, Decimal(2000), SURE, LIMITS)
    assert found == (Decimal(stop), Decimal(target))


@pytest.mark.parametrize(("percentage", "target"), [(20, "127"), (23, "130"), (100, "130")])
def test_a_target_is_capped_at_three_tenths(percentage: int, target: str) -> None:
    far = replace(LIMITS, take_profit_percent=Decimal(percentage))
    assert stop_and_target(Side.BUY, Decimal(100), SURE, far)[1] == Decimal(target)


@pytest.mark.parametrize(
    ("thought", "messages"),
    [
        (replace(SURE, confidence=0.6), ()),
        (replace(SURE, confidence=0.6 - 5e-10), ()),  # within the tolerance
        (replace(SURE, confidence=0.59), ("Signal confidence 59.00% below minimum 60.00%",)),
        (replace(SURE, buy=0.5 - 5e-10), ()),
        (replace(SURE, buy=0.49), ("Low probability for buy action: 49.00%",)),
        (Odds(0.5, 0.3, 0.2, 0.4), ("Signal confidence 40.00% below minimum 60.00%",)),  # score 0.8
        (
            Odds(0.2, 0.2, 0.6, 0.3),
            (
                "Signal confidence 30.00% below minimum 60.00%",
                "Low probability for buy action: 20.00%",
                "High risk score: 94.00% (probability analysis)",
            ),
        ),
    ],
)
def test_a_signal_must_be_sure_likely_and_not_risky(
    thought: Odds, messages: tuple[str, ...]
) -> None:
    assert broken_rules(BUY, EXPOSURE, LIMITS, thought) == messages


@pytest.mark.parametrize(("confidence", "refused"), [(1.0, False), (0.66, True)])
def test_beside_positions_at_high_risk_a_score_above_six_tenths_is_too_much(
    confidence: float, refused: bool
) -> None:
    thought = Odds(0.5, 0.2, 0.3, confidence)  # scores 0.5 and 0.67
    found = broken_rules(BUY, EXPOSURE, LIMITS, thought, crowded=True)
    assert found == ("Portfolio risk too high for additional positions",) * refused


def test_a_score_within_the_tolerance_of_six_tenths_is_not_too_much() -> None:
    thought = Odds(0.5, 0.2, 0.3, 0.8 - 1e-9)  # 0.6 and half a billionth
    assert broken_rules(BUY, EXPOSURE, LIMITS, thought, crowded=True) == ()


@given(odds, st.booleans())
def test_what_closes_asks_for_no_opinion(thought: Odds, crowded: bool) -> None:
    sell = replace(BUY, side=Side.SELL, amount=Decimal(2))
    held = replace(EXPOSURE, held=Decimal(2))
    assert broken_rules(sell, held, LIMITS, thought, crowded=crowded) == ()


@pytest.mark.parametrize(
    ("score", "level"),
    [(0.0, "very_low"), (0.2, "low"), (0.2 - 5e-10, "low"), (0.59, "moderate"), (0.8, "very_high")],
)
def test_a_level_reaches_up_to_its_bound(score: float, level: str) -> None:
    assert level_of(score) == level


@pytest.mark.parametrize(
    ("scores", "level", "advice"),
    [
        ([0.1], "low", ()),
        ([0.3], "medium", ()),
        ([0.1, 0.81], "medium", ("Consider closing high-risk positions",)),
        ([0.6], "high", ()),
        ([0.61], "high", ("Portfolio risk is elevated - reduce position sizes",)),
        ([0.2] * 4, "low", ()),
        ([0.2] * 5, "low", ("Approaching maximum position limit",)),
    ],
)
def test_given_positions_are_judged_by_their_mean_and_their_worst(
    scores: list[float], level: str, advice: tuple[str, ...]
) -> None:
    given_ones = [
        GivenPosition(f"C{place}/USD", Decimal(2), Decimal(10), score)
        for place, score in enumerate(scores)
    ]
    found = of_positions(given_ones, LIMITS, Decimal(0))
    assert (found.risk_level, found.recommendations) == (level, advice)
    assert found.total_exposure == 20 * len(scores)
    assert found.max_position_risk_score == max(scores)


def holding(currency: str, amount: int, price: int, entry: int = 1) -> Holding:
    return Holding(currency, Decimal(amount), Decimal(entry), Decimal(price))


def account(*holdings: Holding, cash: int = 0, daily: int = 0) -> Account:
    return Account(Decimal(cash), holdings, (), Decimal(daily), timestamp=0)


@pytest.mark.parametrize(
    ("daily", "level"),
    [(0, "low"), (-40, "low"), (-41, "moderate"), (-81, "moderate"), (-141, "high"), (500, "low")],
)
def test_a_loss_counts_by_its_share_of_what_is_allowed(daily: int, level: str) -> None:
    """Of 200: more than 0.2, 0.4 and 0.7 of it are one, two and three points."""
    found = of_account(account(cash=10_000, daily=daily), (), {}, LIMITS)
    assert (found.risk_level, found.daily_pnl_pct) == (level, daily / 10_000)


def test_all_in_one_coin_after_a_lost_day_is_critical() -> None:
    found = of_account(account(holding("BTC", 1, 9_000), cash=1_000, daily=-150), (), {}, LIMITS)
    assert (found.risk_level, found.concentration_risk) == ("critical", 1.0)


def test_positions_without_an_opinion_are_no_crowd() -> None:
    assert not is_crowded(account(holding("BTC", 1, 9_000)), RiskParameters())
    assert not is_crowded(account(), RiskParameters())


def _currency(one: Holding) -> str:
    return one.currency


holdings = st.lists(
    st.builds(
        holding,
        st.sampled_from(["BTC", "TESTBTC", "ETH", "LTC"]),
        st.integers(1, 50),
        st.just(10),
        st.integers(1, 30),
    ),
    max_size=4,
    unique_by=_currency,
)


@given(holdings)
def test_the_positions_by_symbol_are_all_of_the_account(held: list[Holding]) -> None:
    found = parts(account(*held))
    together = by_symbol(found)
    assert sum(one.amount * one.mark_price for one in together.values()) == account(*held).value
    invested = sum(one.amount * one.entry_price for one in together.values())
    assert abs(invested - cost(found)) < Decimal("1e-20")
    assert sum(one.pnl for one in together.values()) == sum(one.pnl for one in found)
    value = account(*held).value
    shares = sum((allocation(found, name, value) for name in together), Decimal(0))
    assert abs(shares - 100) < Decimal("1e-20") or not held


def test_a_long_and_a_larger_short_are_one_short() -> None:
    long = Part("BTC/USD", "buy", Decimal(1), Decimal(10), Decimal(20), Decimal(10))
    short = Part("BTC/USD", "short", Decimal(-3), Decimal(30), Decimal(20), Decimal(30))
    found = by_symbol([long, short])["BTC/USD"]
    assert [found.amount, found.entry_price, found.pnl] == [-2, 25, 40]
    assert found.side == "short"
    assert found.pnl_percentage == 40
    assert percent(Decimal(1), Decimal(0)) == 0
    assert allocation([long], "BTC/USD", Decimal(0)) == 0


def signal(action: Action, confidence: float) -> Signal:
    return Signal(action, confidence, 1.0, PROBABILITIES[action])


@pytest.mark.parametrize("profile", RiskProfile)
@pytest.mark.parametrize("most", ["0", "0.3", "1"])
async def test_allocations_sum_to_what_the_profile_allows(
    services: Services, profile: RiskProfile, most: str
) -> None:
    sent = [
        SymbolSignals("ETH/USD", {"rsi": signal(Action.BUY, 0.9)}, None),
        SymbolSignals("BTC/USD", {"rsi": signal(Action.BUY, 0.7)}, None),
        SymbolSignals("TESTETH/TESTUSD", {"rsi": signal(Action.SELL, 0.9)}, None),
    ]
    found = (await services.portfolio.allocate(sent, Profile(profile, Decimal(most)))).allocations
    assert [one.symbol for one in found] == ["ETH/USD", "BTC/USD"]
    whole = sum(one.target_allocation for one in found)
    assert abs(whole - Decimal(most) * FACTORS[profile] * 100) < Decimal("1e-20")
    for one in found:
        assert abs(one.amount * one.price - one.target_allocation * 100) < Decimal("1e-20")


targets = {"BTC/USD": Decimal(35), "ETH/USD": Decimal(25)}


@pytest.mark.parametrize("bitcoins", ["0", "20", "35", "75"])
async def test_a_plan_that_is_followed_reaches_its_targets(
    services: Services, bitcoins: str
) -> None:
    wanted = targets | {"BTC/USD": Decimal(bitcoins)}
    plan = await services.portfolio.rebalance(wanted)
    held, cash = {"BTC/USD": Decimal("0.05")}, Decimal(8000)
    for one in plan.actions:
        assert one.amount >= 0
        assert one.value == one.amount * one.price
        signed = {"buy": one.amount, "sell": -one.amount, "hold": Decimal(0)}[one.action]
        held[one.symbol] = held.get(one.symbol, Decimal(0)) + signed
        cash -= signed * one.price
    whole = cash + sum(held[one.symbol] * one.price for one in plan.actions)
    assert whole == plan.portfolio_value
    reached = {one.symbol: held[one.symbol] * one.price / whole * 100 for one in plan.actions}
    assert reached == wanted
    assert (plan.actions[0].action == "hold") is (bitcoins == "20")
