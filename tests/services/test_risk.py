"""Rules R1 to R4, and the daily result they look at."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared_services.exchange.model import MarginPosition, OrderType, PositionType, Side
from shared_services.ledger.model import Account, Basis, Holding
from shared_services.orders.model import OrderCommand
from shared_services.risk.model import Exposure, RiskParameters
from shared_services.risk.rules import broken_rules, unit_value

ACCOUNT = Exposure(
    portfolio_value=Decimal(10_000),
    daily_result=Decimal("-1.9"),
    position_count=1,
    held=Decimal("0.05"),
    last_price=Decimal(40_000),
)
BUY = OrderCommand(
    symbol="TESTBTC/TESTUSD",
    type=OrderType.MARKET,
    side=Side.BUY,
    amount=Decimal("0.01"),
    price=None,
    position_type=PositionType.SPOT,
    leverage=Decimal(1),
    stop_loss=None,
    take_profit=None,
)
SELL = replace(BUY, side=Side.SELL)


def limit(side: Side, price: int, amount: str = "0.01") -> OrderCommand:
    return replace(
        BUY, type=OrderType.LIMIT, side=side, price=Decimal(price), amount=Decimal(amount)
    )


def broken(order: OrderCommand, account: Exposure = ACCOUNT) -> tuple[str, ...]:
    return broken_rules(order, account, RiskParameters())


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (replace(BUY, amount=Decimal("0.025")), None),
        (replace(BUY, amount=Decimal("0.05")), "Position size 20.00% exceeds maximum 10.00%"),
        (limit(Side.BUY, 20_000, "0.05"), None),
        (limit(Side.BUY, 39_000, "0.05"), "Position size 19.50% exceeds maximum 10.00%"),
        (replace(BUY, amount=Decimal("0.0250000000001")), None),  # 1e-12: equal to the limit
        (replace(BUY, amount=Decimal("0.02501")), "Position size 10.00% exceeds maximum 10.00%"),
    ],
)
def test_an_order_is_a_tenth_of_the_portfolio_at_most(
    order: OrderCommand, message: str | None
) -> None:
    assert broken(order) == (() if message is None else (message,))


def test_leverage_is_limited() -> None:
    assert broken(replace(BUY, leverage=Decimal(5))) == ("Leverage 5.0x exceeds maximum 3.0x",)
    assert broken(replace(BUY, leverage=Decimal(3))) == ()


def test_a_sixth_position_is_refused_but_not_a_larger_fifth() -> None:
    message = "Maximum number of open positions (5) exceeded"
    full = replace(ACCOUNT, position_count=5)
    assert broken(BUY, replace(full, held=Decimal(0))) == (message,)
    assert broken(BUY, full) == ()
    assert broken(BUY, replace(ACCOUNT, position_count=4, held=Decimal(0))) == ()


def test_turning_a_position_round_needs_no_free_place() -> None:
    turn = replace(SELL, amount=Decimal("0.06"))
    assert broken(turn, replace(ACCOUNT, position_count=9)) == ()


def test_a_daily_loss_beyond_two_percent_stops_new_exposure() -> None:
    beyond = replace(ACCOUNT, daily_result=Decimal("-200.01"))
    assert broken(BUY, beyond) == ("Daily loss limit exceeded",)
    assert broken(BUY, replace(ACCOUNT, daily_result=Decimal(-200))) == ()


def test_every_broken_rule_is_named_in_order() -> None:
    order = replace(BUY, amount=Decimal(1), leverage=Decimal("3.1"))
    account = replace(ACCOUNT, position_count=5, held=Decimal(0), daily_result=Decimal(-900))
    assert broken(order, account) == (
        "Position size 400.00% exceeds maximum 10.00%",
        "Leverage 3.1x exceeds maximum 3.0x",
        "Maximum number of open positions (5) exceeded",
        "Daily loss limit exceeded",
    )


@pytest.mark.parametrize(
    ("order", "held"),
    [
        (replace(SELL, amount=Decimal("0.05"), leverage=Decimal(9)), "0.05"),
        (replace(SELL, amount=Decimal("0.01"), leverage=Decimal(9)), "0.05"),
        (replace(BUY, amount=Decimal(7), leverage=Decimal(9)), "-7"),
    ],
)
def test_closing_is_always_allowed(order: OrderCommand, held: str) -> None:
    worst = Exposure(
        portfolio_value=Decimal(-1),
        daily_result=Decimal(-10_000),
        position_count=99,
        held=Decimal(held),
        last_price=Decimal(40_000),
    )
    assert broken(order, worst) == ()


def test_only_the_part_that_adds_is_checked() -> None:
    assert broken(replace(SELL, amount=Decimal("0.075"))) == ()
    assert broken(replace(SELL, amount=Decimal("0.1"))) == (
        "Position size 20.00% exceeds maximum 10.00%",
    )


@pytest.mark.parametrize("value", [0, -1])
def test_without_a_portfolio_that_is_the_only_message(value: int) -> None:
    order = replace(BUY, leverage=Decimal(9))
    assert broken(order, replace(ACCOUNT, portfolio_value=Decimal(value))) == (
        "Portfolio value is zero",
    )


@pytest.mark.parametrize(
    ("order", "value"),
    [
        (BUY, 40_000),
        (limit(Side.BUY, 39_000), 39_000),
        (limit(Side.BUY, 41_000), 41_000),
        (limit(Side.SELL, 39_000), 40_000),
        (limit(Side.SELL, 41_000), 41_000),
    ],
)
def test_a_unit_is_valued_at_what_it_may_cost_or_earn(order: OrderCommand, value: int) -> None:
    assert unit_value(order, Decimal(40_000)) == value


@pytest.mark.parametrize("amount", ["1e300", "1e-300", "9" * 40])
def test_absurd_amounts_are_judged_and_not_a_crash(amount: str) -> None:
    messages = broken(replace(BUY, amount=Decimal(amount)))
    assert all(text.startswith("Position size ") for text in messages)
    assert bool(messages) == (Decimal(amount) > 1)


@pytest.mark.parametrize(
    ("before", "fill", "after", "realised"),
    [
        (("0", "0"), (Side.BUY, "2", "100"), ("2", "100"), "0"),
        (("2", "100"), (Side.BUY, "2", "200"), ("4", "150"), "0"),
        (("4", "150"), (Side.SELL, "1", "170"), ("3", "150"), "20"),
        (("4", "150"), (Side.SELL, "4", "100"), ("0", "150"), "-200"),
        (("1", "150"), (Side.SELL, "3", "160"), ("-2", "160"), "10"),
        (("0", "0"), (Side.SELL, "2", "100"), ("-2", "100"), "0"),
        (("-2", "100"), (Side.SELL, "2", "200"), ("-4", "150"), "0"),
        (("-4", "150"), (Side.BUY, "1", "140"), ("-3", "150"), "10"),
        (("-1", "150"), (Side.BUY, "3", "160"), ("2", "160"), "-10"),
        (("3", "1"), (Side.BUY, "4", "2"), ("7", "1.571428571429"), "0"),
    ],
)
def test_a_fill_moves_the_average_or_realises_a_result(
    before: tuple[str, str],
    fill: tuple[Side, str, str],
    after: tuple[str, str],
    realised: str,
) -> None:
    side, amount, price = fill
    basis = Basis(Decimal(before[0]), Decimal(before[1]))
    told = basis.after(side, Decimal(amount), Decimal(price))
    assert told == (Basis(Decimal(after[0]), Decimal(after[1])), Decimal(realised))


def test_what_is_held_counts_holdings_and_margin_positions_of_the_currency() -> None:
    holdings = (
        Holding("BTC", Decimal(2), Decimal(1), Decimal(10)),
        Holding("TESTBTC", Decimal(5), Decimal(1), Decimal(10)),
    )
    short = MarginPosition(
        id="m1",
        symbol="BTC/USD",
        side="short",
        amount=Decimal(3),
        entry_price=Decimal(10),
        mark_price=Decimal(10),
        pnl=Decimal(0),
        pnl_percentage=Decimal(0),
        notional=Decimal(30),
        collateral=Decimal(10),
        leverage=Decimal(3),
        maintenance_margin=Decimal(1),
        margin_mode="isolated",
        timestamp=0,
    )
    account = Account(Decimal(100), holdings, (short,), Decimal(0), timestamp=0)
    assert [account.held(name) for name in ("BTC", "TESTBTC", "ETH")] == [-1, 5, 0]
    assert account.position_count == 3
    assert account.value == 170
