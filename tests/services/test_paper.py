"""The paper exchange: matching, fees, reserves, refusals."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_services.exchange.model import OrderRequest, OrderStatus, Side
from shared_services.exchange.paper.account import MAX_OPEN_ORDERS, open_account
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.paper.synthetic import SyntheticMarket
from shared_services.exchange.port import ExchangeFailedError, RefusedError, UnknownOrderError
from shared_services.storage.memory import MemoryStore
from tests.fakes import FixedClock, FixedMarket
from tests.services.paper import CASH, COINS, SYMBOL, held, open_exchange, request


@pytest.fixture
async def exchange(market: FixedMarket, clock: FixedClock) -> PaperExchange:
    return await open_exchange(market, clock)


async def refusal(exchange: PaperExchange, wanted: OrderRequest) -> str:
    with pytest.raises(RefusedError) as caught:
        await exchange.create(wanted)
    return str(caught.value)


async def test_a_market_buy_pays_the_ask_and_the_fee(exchange: PaperExchange) -> None:
    order = await exchange.create(request(amount="0.1"))
    assert (order.status, order.filled, order.average) == (
        OrderStatus.CLOSED,
        order.amount,
        Decimal(40_010),
    )
    assert (order.cost, order.fee) == (Decimal(4001), Decimal("4.001"))
    cash = CASH - order.cost - order.fee
    coins = COINS + order.amount
    assert await held(exchange) == {"TESTUSD": (cash, cash), "TESTBTC": (coins, coins)}


async def test_a_market_sell_earns_the_bid_less_the_fee(exchange: PaperExchange) -> None:
    await exchange.create(request(Side.SELL, amount="0.1"))
    cash, coins = CASH + 3999 - Decimal("3.999"), COINS - Decimal("0.1")
    assert await held(exchange) == {"TESTUSD": (cash, cash), "TESTBTC": (coins, coins)}


async def test_a_market_order_walks_the_book(clock: FixedClock) -> None:
    market = SyntheticMarket(1)
    store = MemoryStore()
    await store.transaction(open_account, {"TESTUSD": Decimal(1_000_000)}, clock.now)
    order = await PaperExchange(store, market, clock).create(request(amount="10"))
    prices = [level.price for level in market.levels(SYMBOL, Side.BUY, clock.now)]
    assert prices[0] < order.average < prices[-1]
    assert order.status is OrderStatus.CLOSED


async def test_a_market_order_fills_partially_only_if_the_depth_runs_out(
    exchange: PaperExchange, market: FixedMarket
) -> None:
    market.only("0.04")
    order = await exchange.create(request(amount="0.1"))
    assert (order.status, order.filled) == (OrderStatus.CANCELED, Decimal("0.04"))
    cash, available = (await held(exchange))["TESTUSD"]
    assert cash == available  # nothing stays reserved for the rest
    sold = await exchange.create(request(Side.SELL, amount="0.1"))
    assert (sold.status, sold.remaining) == (OrderStatus.CANCELED, Decimal("0.06"))
    assert (await held(exchange))["TESTBTC"] == (COINS, COINS)


async def test_a_limit_order_that_crosses_fills_at_the_better_price(
    exchange: PaperExchange,
) -> None:
    order = await exchange.create(request(price="41000"))
    assert (order.status, order.average) == (OrderStatus.CLOSED, Decimal(40_010))
    cash = CASH - Decimal("400.1") - Decimal("0.4001")
    assert (await held(exchange))["TESTUSD"] == (cash, cash)


async def test_a_limit_order_takes_what_is_there_and_rests_with_the_remainder(
    exchange: PaperExchange, market: FixedMarket
) -> None:
    market.only("0.02")
    order = await exchange.create(request(amount="0.05", price="41000"))
    assert (order.status, order.filled) == (OrderStatus.OPEN, Decimal("0.02"))
    cash = CASH - Decimal("800.2") - Decimal("0.8002")
    assert (await held(exchange))["TESTUSD"] == (cash, cash - Decimal("0.03") * 41_000)


async def test_cancelling_releases_the_reserve(exchange: PaperExchange) -> None:
    bought = await exchange.create(request(price="39000"))
    sold = await exchange.create(request(Side.SELL, price="41000"))
    await exchange.cancel(bought.id)
    await exchange.cancel(sold.id)
    assert await held(exchange) == {"TESTUSD": (CASH, CASH), "TESTBTC": (COINS, COINS)}
    assert [one.status for one in await exchange.closed_orders(None, 9)] == [
        OrderStatus.CANCELED
    ] * 2


async def test_cancelling_a_partly_filled_order_keeps_the_part(
    exchange: PaperExchange, market: FixedMarket
) -> None:
    market.only("0.02")
    order = await exchange.create(request(amount="0.05", price="41000"))
    await exchange.cancel(order.id)
    ended = await exchange.order(order.id)
    assert (ended.status, ended.filled) == (OrderStatus.CANCELED, Decimal("0.02"))
    cash, available = (await held(exchange))["TESTUSD"]
    assert cash == available


@pytest.mark.parametrize(
    "order_id", ["2", "0", "-1", "01", "x", "", "9" * 30, "\u0661", "1 ", "\ud800"]
)
async def test_an_unknown_order_is_neither_found_nor_cancelled(
    exchange: PaperExchange, order_id: str
) -> None:
    await exchange.create(request(price="39000"))
    with pytest.raises(UnknownOrderError):
        await exchange.order(order_id)
    with pytest.raises(UnknownOrderError):
        await exchange.cancel(order_id)


async def test_a_known_client_id_returns_its_order(exchange: PaperExchange) -> None:
    wanted = request()
    first = await exchange.create(wanted)
    assert await exchange.create(wanted) == first
    assert await exchange.order_by_client_id(wanted.client_id) == first
    assert await exchange.order_by_client_id("another") is None
    assert len(await exchange.closed_orders(None, 9)) == 1


async def test_ids_are_short_and_rise(exchange: PaperExchange) -> None:
    assert [(await exchange.create(request())).id for _ in range(11)] == [
        str(n) for n in range(1, 12)
    ]


async def test_closed_orders_are_newest_first_and_can_be_filtered(exchange: PaperExchange) -> None:
    for _ in range(11):
        await exchange.create(request())
    assert [one.id for one in await exchange.closed_orders(None, 3)] == ["11", "10", "9"]
    assert len(await exchange.closed_orders(SYMBOL, 50)) == 11
    assert await exchange.closed_orders("TESTETH/TESTUSD", 50) == []
    assert await exchange.closed_orders("\x00", 50) == []


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (request(amount="0.000001"), "Minimum amount is 0.00001 (TESTBTC/TESTUSD)"),
        (request(amount="1e-300"), "Minimum amount is 0.00001 (TESTBTC/TESTUSD)"),
        (request(amount="1e30"), "Maximum amount is 1000000 (TESTBTC/TESTUSD)"),
        (request(amount="0.123456789"), "Amount has more than 8 decimals (TESTBTC/TESTUSD)"),
        (
            request(amount="0.1" + "0" * 50 + "1"),
            "Amount has more than 8 decimals (TESTBTC/TESTUSD)",
        ),
        (request(price="39000.001"), "Price has more than 2 decimals (TESTBTC/TESTUSD)"),
        (request(price="1e-300"), "Price has more than 2 decimals (TESTBTC/TESTUSD)"),
        (request(price="1e300"), "Maximum price is 40000000 (TESTBTC/TESTUSD)"),
        (request(amount="1"), "Insufficient TESTUSD balance: need 40010.00, available 10000.00"),
        (
            request(amount="0.3", price="39000"),
            "Insufficient TESTUSD balance: need 11700.00, available 10000.00",
        ),
        (
            request(Side.SELL, amount="0.75"),
            "Insufficient TESTBTC balance: need 0.75000000, available 0.50000000",
        ),
        (replace(request(), symbol="DOGE/USD"), "Unknown symbol: DOGE/USD"),
    ],
)
async def test_a_refusal_names_the_rule_and_changes_nothing(
    exchange: PaperExchange, wanted: OrderRequest, text: str
) -> None:
    assert await refusal(exchange, wanted) == text
    assert await held(exchange) == {"TESTUSD": (CASH, CASH), "TESTBTC": (COINS, COINS)}
    assert await exchange.order_by_client_id(wanted.client_id) is None


async def test_an_order_that_fits_the_reserve_of_another_is_refused(
    exchange: PaperExchange,
) -> None:
    await exchange.create(request(amount="0.25", price="39000"))
    text = await refusal(exchange, request(amount="0.01"))
    assert text == "Insufficient TESTUSD balance: need 400.10, available 250.00"


async def test_open_orders_are_limited(exchange: PaperExchange) -> None:
    for _ in range(MAX_OPEN_ORDERS):
        await exchange.create(request(amount="0.0001", price="39000"))
    text = await refusal(exchange, request(amount="0.0001", price="39000"))
    assert text == f"At most {MAX_OPEN_ORDERS} orders may be open"
    assert (await exchange.create(request(amount="0.0001"))).status is OrderStatus.CLOSED


async def test_spending_everything_cuts_the_fee_instead_of_going_below_zero(
    exchange: PaperExchange, market: FixedMarket
) -> None:
    market.set("BTC/USD", 40_000)
    order = await exchange.create(request(amount="0.25"))
    assert (order.cost, order.fee) == (CASH, Decimal(0))
    assert (await held(exchange))["TESTUSD"] == (Decimal(0), Decimal(0))


async def test_an_unknown_symbol_has_no_ticker(exchange: PaperExchange) -> None:
    with pytest.raises(ExchangeFailedError, match="unknown symbol DOGE/USD"):
        await exchange.ticker("DOGE/USD")


async def test_an_existing_account_keeps_what_it_has(
    clock: FixedClock, market: FixedMarket
) -> None:
    store = MemoryStore()
    exchange = await open_exchange(market, clock, store)
    await exchange.create(request())
    before = await held(exchange)
    assert await held(await open_exchange(market, clock, store)) == before


async def test_a_cursor_reports_what_came_after_it(exchange: PaperExchange) -> None:
    first = await exchange.fills(None)
    assert first.fills == ()
    for _ in range(11):
        await exchange.create(request(Side.SELL, amount="0.0001"))
    second = await exchange.fills(first.cursor)
    assert [fill.id for fill in second.fills] == [str(number) for number in range(1, 12)]
    assert await exchange.fills(None) == second
    await exchange.create(request(Side.SELL, amount="0.0001"))
    third = await exchange.fills(second.cursor)
    assert [fill.id for fill in third.fills] == ["12"]
    assert await exchange.fills(third.cursor) == replace(third, fills=())


_actions = st.lists(
    st.tuples(
        st.sampled_from(["market", "limit", "cancel", "wait"]),
        st.sampled_from(Side),
        st.integers(1, 30_000_000),  # amount in 1e-8, up to 0.3
        st.integers(-300, 300),  # limit in 0.01 % from the last price
    ),
    max_size=25,
)


@given(_actions, st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
async def test_whatever_is_traded_nothing_is_lost_but_fees(
    actions: list[tuple[str, Side, int, int]], seed: int
) -> None:
    """Totals equal what the fills say; what is reserved equals what open orders need; none < 0."""
    market, clock = SyntheticMarket(seed), FixedClock()
    exchange = await open_exchange(market, clock)
    for action, side, amount, offset in actions:
        await _act(exchange, market, clock, (action, side, amount, offset))
        balances = await held(exchange)
        assert all(0 <= available <= total for total, available in balances.values())
    fills = (await exchange.fills(None)).fills
    coins = sum((one.amount if one.side is Side.BUY else -one.amount for one in fills), COINS)
    paid = (one.price * one.amount * (-1 if one.side is Side.BUY else 1) - one.fee for one in fills)
    balances = await held(exchange)
    assert balances["TESTBTC"][0] == coins
    assert balances["TESTUSD"][0] == sum(paid, CASH)
    orders = await exchange.open_orders()
    cash_needed = sum(
        (one.remaining * (one.price or 0) for one in orders if one.side is Side.BUY), Decimal(0)
    )
    assert balances["TESTUSD"][0] - balances["TESTUSD"][1] == cash_needed
    assert all(fill.fee <= fill.price * fill.amount / 1000 + Decimal("1e-8") for fill in fills)


async def _act(
    exchange: PaperExchange,
    market: SyntheticMarket,
    clock: FixedClock,
    action: tuple[str, Side, int, int],
) -> None:
    name, side, amount, offset = action
    size = str(Decimal(amount).scaleb(-8))
    last = market.ticker(SYMBOL, clock.now).last
    price = str(round(last * (10_000 + offset) / 10_000, 2))
    try:
        match name:
            case "wait":
                clock.now += amount
            case "cancel":
                await exchange.cancel(str(amount % 10))
            case _:
                await exchange.create(request(side, size, price if name == "limit" else None))
    except RefusedError:
        pass  # a refusal is an answer; what it left behind is what we check
