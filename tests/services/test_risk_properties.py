"""Whatever is ordered, whatever the prices do: no order gets past the limits, no money appears.

Two sets of services, as two processes have them, trade on one account. What they answer is compared
with the contract, section 6, told anew here from the balances and fills of the exchange.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared_services.errors import OrderNotFound, OrderRefused, OrderRejected
from shared_services.exchange.model import Balance, ExchangeOrder, Fill
from shared_services.exchange.paper.account import open_account
from shared_services.exchange.paper.matching import FEE_RATE
from shared_services.exchange.service import ExchangeAsync
from shared_services.ledger.service import LedgerAsync
from shared_services.storage.memory import MemoryStore
from shared_services.wire import utc_day
from tests.fakes import FixedClock, FixedMarket
from tests.services.exchanges import FaultyExchange, wired

T = TypeVar("T")

START: Final = {
    "TESTUSD": Decimal(8000),
    "USD": Decimal(1500),
    "TESTBTC": Decimal("0.02"),
    "LTC": Decimal(3),
}
PRICES: Final = {"BTC": 40_000, "ETH": 2_000, "LTC": 100, "SOL": 50}
SYMBOLS: Final = (
    "TESTBTC/TESTUSD",
    "TESTETH/TESTUSD",
    "TESTLTC/TESTUSD",
    "TESTSOL/TESTUSD",
    "BTC/USD",
    "LTC/USD",
)
TOLERANCE: Final = Decimal("1e-9")
ROUNDING: Final = Decimal("1e-6")  # the ledger rounds results to 8 decimals, averages to 12
HOUR_MS: Final = 3_600_000

coins = st.sampled_from(list(PRICES))
percents = st.integers(-30, 30).map(lambda percent: 1 + Decimal(percent) / 100)


class Model:
    """The account as the contract tells it, from what the exchange says of balances and fills."""

    def __init__(self, balances: Sequence[Balance], prices: dict[str, Decimal]) -> None:
        self.totals = {one.currency: one.total for one in balances}
        self.prices = prices

    @property
    def cash(self) -> Decimal:
        return self.totals.get("USD", Decimal(0)) + self.totals.get("TESTUSD", Decimal(0))

    @property
    def positions(self) -> dict[str, Decimal]:
        return {
            name: total
            for name, total in self.totals.items()
            if total and name not in ("USD", "TESTUSD")
        }

    @property
    def value(self) -> Decimal:
        return self.cash + sum(
            (total * self.prices[coin(name)] for name, total in self.positions.items()), Decimal(0)
        )

    def messages(
        self, order: dict[str, Any], limits: dict[str, Any], daily: Decimal
    ) -> tuple[str, ...]:
        """R1 to R4 of the contract, for whatever of the order does not close a position."""
        base, amount = order["symbol"].split("/")[0], order["amount"]
        held = self.totals.get(base, Decimal(0))
        new = max(amount - held, Decimal(0)) if order["side"] == "sell" else amount
        if new == 0:
            return ()
        if self.value <= 0:
            return ("Portfolio value is zero",)
        size, leverage = (
            new * self._unit(order, self.prices[coin(base)]) / self.value,
            order["leverage"],
        )
        found = []
        if size > limits["max_position_size"] + TOLERANCE:
            found.append(
                f"Position size {size:.2%} exceeds maximum {limits['max_position_size']:.2%}"
            )
        if leverage > limits["max_leverage"]:
            found.append(f"Leverage {leverage:.1f}x exceeds maximum {limits['max_leverage']:.1f}x")
        if held == 0 and len(self.positions) >= limits["max_open_positions"]:
            most = limits["max_open_positions"]
            found.append(f"Maximum number of open positions ({most}) exceeded")
        if daily < -limits["max_daily_loss"] / 100 * self.value:
            found.append("Daily loss limit exceeded")
        return tuple(found)

    def _unit(self, order: dict[str, Any], last: Decimal) -> Decimal:
        if order["order_type"] == "market":
            return last
        price: Decimal = order["price"]
        return price if order["side"] == "buy" else max(price, last)


def coin(currency: str) -> str:
    return currency.removeprefix("TEST")


def daily_result(fills: Sequence[Fill], day: str) -> Decimal:
    """Realised less fees of the day's fills; a sale takes its share of what all of it cost."""
    held = {name: START.get(name, Decimal(0)) for name in (base_of(symbol) for symbol in SYMBOLS)}
    cost = {name: amount * PRICES[coin(name)] for name, amount in held.items()}
    result = Decimal(0)
    for fill in fills:
        name, realised = base_of(fill.symbol), Decimal(0)
        if fill.side == "buy":
            held[name] += fill.amount
            cost[name] += fill.amount * fill.price
        else:
            share = cost[name] * fill.amount / held[name]
            realised = fill.amount * fill.price - share
            held[name] -= fill.amount
            cost[name] -= share
        if utc_day(fill.timestamp) == day:
            result += realised - fill.fee
    return result


def base_of(symbol: str) -> str:
    return symbol.split("/", maxsplit=1)[0]


class Trading(RuleBasedStateMachine):
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock, self.market = FixedClock(), FixedMarket()
        for name, price in PRICES.items():
            self.market.set(f"{name}/USD", price)
        store = MemoryStore()
        self.wait(store.transaction(open_account, START, self.clock.now))
        self.exchange = FaultyExchange(store, self.market, self.clock)
        self.processes = [wired(self.exchange), wired(self.exchange)]
        self.ledger = LedgerAsync(store, ExchangeAsync(self.exchange), self.clock)
        self.wait(self.ledger.account())  # what is held from the start costs the price of now
        self.limits: dict[str, Any] = {
            "max_position_size": Decimal("0.1"),
            "max_leverage": Decimal(3),
            "max_open_positions": 5,
            "max_daily_loss": Decimal(2),
        }
        self.orders: list[str] = []

    def teardown(self) -> None:
        self.runner.close()

    def wait(self, todo: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(todo)

    @property
    def prices(self) -> dict[str, Decimal]:
        return {name: self.market.prices[f"{name}/USD"].last for name in PRICES}

    def model(self) -> Model:
        return Model(self.wait(self.exchange.balances()), self.prices)

    def fills(self) -> tuple[Fill, ...]:
        return self.wait(self.exchange.fills(None)).fills

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["buy", "sell"]),
        part=st.integers(1, 120),
        leverage=st.sampled_from([1, 1, 1, 3, 4]),
        off=st.none() | st.integers(-8, 8),
        process=st.integers(0, 1),
    )
    def order(
        self, symbol: str, side: str, part: int, leverage: int, off: int | None, process: int
    ) -> None:
        """Of 0.1 % to 12 % of the portfolio value; `off` is the percentage of a limit's distance."""
        last = self.prices[coin(base_of(symbol))]
        amount = round(self.model().value * part / 1000 / last, 8)
        self.place(symbol, side, amount, leverage, off, process)

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        percent=st.sampled_from([25, 50, 100, 100, 120]),
        off=st.none() | st.integers(-8, 8),
        leverage=st.sampled_from([1, 9]),
        process=st.integers(0, 1),
    )
    def close(
        self, symbol: str, percent: int, off: int | None, leverage: int, process: int
    ) -> None:
        """A part of what is held, all of it, or more."""
        held = self.model().totals.get(base_of(symbol), Decimal(0))
        if held:
            amount = round(held * percent / 100, 8)
            self.place(symbol, "sell", amount, leverage, off, process)

    def place(
        self, symbol: str, side: str, amount: Decimal, leverage: int, off: int | None, process: int
    ) -> None:
        if not amount:
            return
        order: dict[str, Any] = {
            "symbol": symbol,
            "order_type": "market" if off is None else "limit",
            "side": side,
            "amount": amount,
            "leverage": Decimal(leverage),
        }
        if off is not None:
            last = self.prices[coin(base_of(symbol))]
            order["price"] = round(last * (100 + off) / 100, 2)
        before = self.model()
        daily = daily_result(self.fills(), utc_day(self.clock.now))
        expected = before.messages(order, self.limits, daily)
        assert self.outcome(order, process) == expected
        for message in expected or ("accepted",):
            self.seen[message.split()[0]] += 1

    def outcome(self, order: dict[str, Any], process: int) -> tuple[str, ...]:
        """What risk management said; the exchange may still refuse for want of funds."""
        try:
            placed = self.wait(self.processes[process].orders.create(order, None))
        except OrderRejected as rejection:
            return tuple(rejection.details or ())
        except OrderRefused as refusal:
            self.seen["refused"] += 1
            reason = str(refusal.details)
            return () if reason.startswith(("Insufficient ", "Minimum amount ")) else (reason,)
        self.orders.append(placed.order.id)
        return ()

    @rule(name=coins, factor=percents)
    def move(self, name: str, factor: Decimal) -> None:
        last = self.prices[name] * factor
        self.market.set(f"{name}/USD", str(max(round(last, 2), Decimal("0.01"))))

    @rule(data=st.data(), process=st.integers(0, 1))
    def cancel(self, data: st.DataObject, process: int) -> None:
        if not self.orders:
            return
        wanted = data.draw(st.sampled_from(self.orders))
        was_open = wanted in {one.id for one in self.wait(self.exchange.open_orders())}
        try:
            self.wait(self.processes[process].orders.cancel(wanted))
        except OrderNotFound:
            assert not was_open
        else:
            assert was_open
            self.seen["canceled"] += 1

    @rule(hours=st.sampled_from([1, 1, 3, 24]))
    def pass_time(self, hours: int) -> None:
        """Orders at rest fill, if the price has reached them."""
        before = len(self.fills())
        self.clock.now += hours * HOUR_MS
        self.seen["filled at rest"] += len(self.fills()) - before

    @rule(data=st.data())
    def reach(self, data: st.DataObject) -> None:
        """The price comes to the limit of an order, which fills there."""
        resting = self.wait(self.exchange.open_orders())
        if not resting:
            return
        self.touch(data.draw(st.sampled_from(resting)))

    def touch(self, order: ExchangeOrder) -> None:
        self.market.set(f"{coin(base_of(order.symbol))}/USD", str(order.price))
        self.pass_time(1)
        assert order.id not in {one.id for one in self.wait(self.exchange.open_orders())}

    @rule(
        size=st.sampled_from(["0.01", "0.1", "0.5", "1"]),
        leverage=st.sampled_from([1, 3, 10]),
        positions=st.integers(1, 6),
        loss=st.sampled_from(["0", "0.1", "2", "100"]),
        process=st.integers(0, 1),
    )
    def configure(self, size: str, leverage: int, positions: int, loss: str, process: int) -> None:
        self.limits = {
            "max_position_size": Decimal(size),
            "max_leverage": Decimal(leverage),
            "max_open_positions": positions,
            "max_daily_loss": Decimal(loss),
        }
        self.wait(self.processes[process].config.update({"risk": self.limits}))

    @invariant()
    def nothing_is_owed_and_nothing_promised_twice(self) -> None:
        balances = {one.currency: one for one in self.wait(self.exchange.balances())}
        promised: defaultdict[str, Decimal] = defaultdict(Decimal)
        for order in self.wait(self.exchange.open_orders()):
            base, quote = order.symbol.split("/")
            if order.side == "sell":
                promised[base] += order.remaining
            else:
                promised[quote] += order.remaining * (order.price or 0)
        for name, one in balances.items():
            assert 0 <= one.available <= one.total
            assert one.total - one.available == promised[name]

    @invariant()
    def the_value_changes_by_prices_and_fees_alone(self) -> None:
        account, prices = self.wait(self.ledger.account()), self.prices
        value = sum(
            (amount * prices.get(coin(name), Decimal(1)) for name, amount in START.items()),
            Decimal(0),
        )
        for fill in self.fills():
            signed = fill.amount if fill.side == "buy" else -fill.amount
            assert 0 <= fill.fee <= fill.amount * fill.price * FEE_RATE + Decimal("5e-9")
            value += signed * (prices[coin(base_of(fill.symbol))] - fill.price) - fill.fee
        assert abs(account.value - value) < ROUNDING

    @invariant()
    def the_result_of_the_day_is_that_of_its_fills(self) -> None:
        account = self.wait(self.ledger.account())
        told = daily_result(self.fills(), utc_day(self.clock.now))
        assert abs(account.daily_result - told) < ROUNDING


def test_no_order_passes_a_limit_and_no_money_appears() -> None:
    Trading.seen.clear()
    bounds = settings(max_examples=25, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(Trading, settings=bounds)
    assert {"accepted", "Position"} <= set(+Trading.seen), Trading.seen


def test_every_rule_refuses_and_orders_fill_at_rest() -> None:
    """One sequence that is known to meet them all, so that the machine can fail."""
    Trading.seen.clear()
    machine = Trading()
    try:
        machine.place("TESTETH/TESTUSD", "buy", Decimal("0.2"), 1, -5, 0)
        machine.touch(machine.wait(machine.exchange.open_orders())[0])
        machine.configure("0.01", 1, 1, "0", 1)
        machine.place("TESTSOL/TESTUSD", "buy", Decimal(50), 9, None, 0)
        machine.place("TESTETH/TESTUSD", "sell", Decimal("0.2"), 9, None, 1)
        machine.nothing_is_owed_and_nothing_promised_twice()
        machine.the_value_changes_by_prices_and_fees_alone()
        machine.the_result_of_the_day_is_that_of_its_fills()
    finally:
        machine.teardown()
    wanted = {"accepted", "Position", "Leverage", "Maximum", "Daily", "filled at rest"}
    assert wanted <= set(+Trading.seen), Trading.seen
