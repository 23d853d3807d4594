"""The real ccxt client over the wire, against a fake Bitfinex: what the port says, exactly."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from shared_services.exchange.ccxt.adapter import OVERLAP_MS, CcxtExchange, open_ccxt
from shared_services.exchange.ccxt.client import Venue
from shared_services.exchange.ccxt.public import MARKETS_MS
from shared_services.exchange.ccxt.trading import client_number
from shared_services.exchange.model import (
    Balance,
    Candle,
    ExchangeOrder,
    Level,
    MarginPosition,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionType,
    Side,
)
from shared_services.exchange.port import (
    ExchangeFailedError,
    NoExchangeError,
    RefusedError,
    UnknownOrderError,
)
from shared_services.storage.memory import MemoryStore
from tests.bitfinex.server import FakeBitfinex
from tests.exchanges.wanted import SYMBOL, answering, request
from tests.fakes import EXAMPLE_NOW, HOUR_MS, FixedClock


async def refusal(exchange: CcxtExchange, wanted: OrderRequest) -> str:
    with pytest.raises(RefusedError) as caught:
        await exchange.create(wanted)
    return str(caught.value)


def submitted(fake: FakeBitfinex) -> list[dict[str, object]]:
    return [json.loads(one.body) for one in fake.arrivals if one.path == "w/order/submit"]


async def test_a_ticker_has_the_prices_of_the_exchange_and_the_time_of_receipt(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    ticker, paper = await exchange.ticker("BTC/USD"), await fake.exchange.ticker("BTC/USD")

    assert replace(ticker, change_percent=None) == replace(paper, change_percent=None)
    assert ticker.change_percent == pytest.approx(paper.change_percent)


async def test_candles_are_the_newest_oldest_first(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    candles = await exchange.candles("BTC/USD", "1h", 3)

    assert candles == await fake.exchange.candles("BTC/USD", "1h", 3)
    prices = (Decimal(price) for price in ("39950", "40020", "39930", "40000", "2.7"))
    assert candles[-1] == Candle(EXAMPLE_NOW // HOUR_MS * HOUR_MS, *prices)


@pytest.mark.parametrize(
    "timeframe", ["1m", "5m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "1w"]
)
async def test_every_timeframe_of_ours_is_one_of_the_exchange(
    exchange: CcxtExchange, fake: FakeBitfinex, timeframe: str
) -> None:
    candles = await exchange.candles("BTC/USD", timeframe, 2)

    assert candles == await fake.exchange.candles("BTC/USD", timeframe, 2)


@pytest.mark.parametrize("limit", [1, 2, 20, 25, 26, 100])
async def test_an_order_book_has_as_many_levels_as_asked_for_best_first(
    exchange: CcxtExchange, limit: int
) -> None:
    book = await exchange.order_book("BTC/USD", limit)

    assert book.bids[0] == Level(Decimal(39990), Decimal("1.5"))
    assert book.asks[0] == Level(Decimal(40010), Decimal("1.2"))
    assert len(book.bids) == len(book.asks) == min(limit, 20)
    assert [level.price for level in book.bids] == sorted(
        (level.price for level in book.bids), reverse=True
    )


async def test_trades_are_oldest_first_and_sells_negative(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    assert await exchange.trades("BTC/USD", 5) == await fake.exchange.trades("BTC/USD", 5)


async def test_listings_are_every_market(exchange: CcxtExchange, fake: FakeBitfinex) -> None:
    listings = await exchange.listings()

    assert {one.symbol: one for one in listings} == {
        one.symbol: one for one in await fake.exchange.listings()
    }


async def test_instruments_have_the_limits_of_the_exchange(exchange: CcxtExchange) -> None:
    one = (await exchange.instruments())[SYMBOL]

    assert (one.base, one.quote) == ("TESTBTC", "TESTUSD")
    assert (one.amount_decimals, one.price_decimals) == (8, 8)
    assert (one.minimum_amount, one.maximum_amount) == (Decimal("0.00001"), Decimal(1_000_000))


async def test_it_says_that_it_is_no_paper(exchange: CcxtExchange) -> None:
    limitations = await exchange.limitations()

    assert not limitations.is_paper_trading
    assert limitations.margin_trading_available
    assert limitations.supported_order_types == ("spot", "margin")


async def test_balances_are_exact_and_in_the_order_of_the_exchange(exchange: CcxtExchange) -> None:
    assert await exchange.balances() == [
        Balance("TESTUSD", Decimal(8000), Decimal(7610)),
        Balance("TESTBTC", Decimal("0.05"), Decimal("0.05")),
    ]


async def test_no_digit_is_lost_that_a_float_would_lose(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    much = Decimal("123456789012.12345678")
    assert Decimal(str(float(much))) != much
    fake.exchange = answering(fake.exchange, balances=[Balance("TESTUSD", much, much)])

    assert await exchange.balances() == [Balance("TESTUSD", much, much)]


async def test_a_margin_position_has_the_mark_of_the_market(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    position = MarginPosition(
        id="142355652",
        symbol="ETH/USD",
        side="short",
        amount=Decimal("0.5"),
        entry_price=Decimal(2_100),
        mark_price=Decimal(2_000),
        pnl=Decimal(50),
        pnl_percentage=Decimal("4.75"),
        notional=Decimal(1_000),
        collateral=Decimal(500),
        leverage=Decimal(2),
        maintenance_margin=Decimal(100),
        margin_mode="cross",
        timestamp=EXAMPLE_NOW - HOUR_MS,
    )
    fake.exchange = answering(fake.exchange, margin_positions=[position])

    assert await exchange.margin_positions() == [position]


async def test_without_margin_positions_no_price_is_asked_for(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    assert await exchange.margin_positions() == []
    assert "tickers" not in fake.requests


async def test_a_limit_order_is_sent_as_text_and_known_by_our_client_id(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    order = await exchange.create(request(price="39000"))

    assert submitted(fake) == [
        {
            "symbol": "tTESTBTC:TESTUSD",
            "amount": "0.01",
            "price": "39000",
            "type": "EXCHANGE LIMIT",
            "cid": client_number("client-1"),
        }
    ]
    assert order == ExchangeOrder(
        id="1001",
        client_id="client-1",
        symbol=SYMBOL,
        type=OrderType.LIMIT,
        side=Side.BUY,
        amount=Decimal("0.01"),
        filled=Decimal(0),
        price=Decimal(39000),
        cost=Decimal(0),
        fee=Decimal(0),
        status=OrderStatus.OPEN,
        timestamp=EXAMPLE_NOW,
    )


async def test_a_market_sell_is_a_negative_amount_without_a_price(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    order = await exchange.create(request(Side.SELL))

    (sent,) = submitted(fake)
    assert (sent["amount"], sent["type"]) == ("-0.01", "EXCHANGE MARKET")
    assert "price" not in sent
    assert (order.side, order.price, order.status) == (Side.SELL, None, OrderStatus.CLOSED)
    assert (order.filled, order.cost) == (Decimal("0.01"), Decimal("399.9"))


async def test_a_margin_order_is_not_an_exchange_order(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    wanted = replace(request(price="39000"), position_type=PositionType.MARGIN, leverage=Decimal(3))
    await exchange.create(wanted)

    assert submitted(fake)[0]["type"] == "LIMIT"


async def test_an_order_that_is_still_open_is_found_by_its_id(exchange: CcxtExchange) -> None:
    order = await exchange.create(request(price="39000"))

    assert await exchange.order(order.id) == order


async def test_an_order_that_is_filled_tells_what_its_fills_cost(exchange: CcxtExchange) -> None:
    sold = await exchange.create(request(Side.SELL))

    found = await exchange.order(sold.id)
    assert (found.cost, found.fee) == (Decimal("399.9"), Decimal("0.3999"))
    assert found.client_id == "client-1"


@pytest.mark.parametrize("order_id", ["4711", "", "x", "-1", "1e3", "²", "9" * 30])
async def test_an_order_that_does_not_exist_is_unknown(
    exchange: CcxtExchange, order_id: str
) -> None:
    with pytest.raises(UnknownOrderError):
        await exchange.order(order_id)
    with pytest.raises(UnknownOrderError):
        await exchange.cancel(order_id)


async def test_a_cancelled_order_is_closed_and_cannot_be_cancelled_again(
    exchange: CcxtExchange,
) -> None:
    order = await exchange.create(request(price="39000"))
    await exchange.cancel(order.id)

    assert (await exchange.order(order.id)).status is OrderStatus.CANCELED
    with pytest.raises(UnknownOrderError):
        await exchange.cancel(order.id)


async def test_a_filled_order_cannot_be_cancelled(exchange: CcxtExchange) -> None:
    order = await exchange.create(request(Side.SELL))
    with pytest.raises(UnknownOrderError):
        await exchange.cancel(order.id)


async def test_open_orders_are_oldest_first_and_foreign_ones_have_no_client_id(
    exchange: CcxtExchange, clock: FixedClock
) -> None:
    clock.now += 1000
    await exchange.create(request(price="39000"))

    assert [(one.id, one.client_id) for one in await exchange.open_orders()] == [
        ("1000", None),
        ("1001", "client-1"),
    ]


async def test_closed_orders_are_newest_first_with_their_fees(
    exchange: CcxtExchange, clock: FixedClock
) -> None:
    clock.now += 1000
    await exchange.create(request(Side.SELL))

    orders = await exchange.closed_orders(None, 10)
    assert [(one.id, one.cost, one.fee) for one in orders] == [
        ("1001", Decimal("399.9"), Decimal("0.3999")),
        ("999", Decimal(1900), Decimal("1.9")),
    ]
    assert await exchange.closed_orders(SYMBOL, 1) == orders[:1]
    assert await exchange.closed_orders("BTC/USD", 10) == []
    assert await exchange.closed_orders("DOGE/USD", 10) == []


async def test_fills_are_told_in_order_with_the_fee_in_the_quote(
    exchange: CcxtExchange, fake: FakeBitfinex
) -> None:
    await exchange.create(request(Side.SELL))

    ours, papers = (await exchange.fills(None)).fills, (await fake.exchange.fills(None)).fills
    assert ours == tuple(replace(one, id=f"{one.order_id}-{one.id}") for one in papers)


async def test_a_cursor_leaves_out_no_fill_however_late_it_is_told(
    exchange: CcxtExchange, clock: FixedClock
) -> None:
    first = await exchange.fills(None)
    clock.now += 10 * OVERLAP_MS
    await exchange.create(request(Side.SELL))
    second = await exchange.fills(first.cursor)

    assert int(second.cursor) == clock.now - OVERLAP_MS
    assert [one.order_id for one in second.fills] == ["999", "1001"]
    assert [one.order_id for one in (await exchange.fills(second.cursor)).fills] == ["1001"]


async def test_a_cursor_never_goes_back(exchange: CcxtExchange) -> None:
    late = str(EXAMPLE_NOW + 1)

    report = await exchange.fills(late)
    assert (report.fills, report.cursor) == ((), late)


async def test_fills_are_read_page_by_page(
    exchange: CcxtExchange, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        clock.now += 1000
        await exchange.create(request(Side.SELL, amount="0.001", client_id=str(number)))
    everything = await exchange.fills(None)
    monkeypatch.setattr("shared_services.exchange.ccxt.adapter.PAGE", 3)

    assert await exchange.fills(None) == everything
    assert len(everything.fills) == 8


async def test_more_fills_in_one_millisecond_than_a_page_holds_are_not_left_out_in_silence(
    exchange: CcxtExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await exchange.create(request(Side.SELL, amount="0.001", client_id=str(number)))
    monkeypatch.setattr("shared_services.exchange.ccxt.adapter.PAGE", 2)

    with pytest.raises(ExchangeFailedError, match="more than 2 trades in one millisecond"):
        await exchange.fills(None)


@pytest.mark.parametrize("name", ["ticker", "order_book", "candles", "trades"])
async def test_an_unknown_symbol_has_no_market_data(exchange: CcxtExchange, name: str) -> None:
    more = {"ticker": (), "order_book": (5,), "candles": ("1h", 5), "trades": (5,)}[name]
    with pytest.raises(ExchangeFailedError, match="unknown symbol DOGE/USD"):
        await getattr(exchange, name)("DOGE/USD", *more)


async def test_markets_are_loaded_once_and_again_after_an_hour(
    exchange: CcxtExchange, fake: FakeBitfinex, clock: FixedClock
) -> None:
    for _ in range(3):
        await exchange.listings()
    once = _loads(fake)
    clock.now += MARKETS_MS
    await exchange.listings()

    assert (once, _loads(fake)) == (1, 2)


async def test_an_order_is_known_by_the_same_number_every_time_and_it_fits() -> None:
    numbers = {client_number(f"client-{number}") for number in range(1000)}

    assert len(numbers) == 1000
    assert max(numbers) < 2**45
    assert client_number("client-1") == client_number("client-1")


async def test_without_keys_there_are_prices_and_no_account(
    fake: FakeBitfinex, clock: FixedClock
) -> None:
    venue = Venue("bitfinex", url=fake.url, limited=False)
    async with open_ccxt(venue, None, MemoryStore(), clock) as public:
        assert (await public.ticker("BTC/USD")).last == Decimal(40000)
        with pytest.raises(NoExchangeError, match="no keys for bitfinex"):
            await public.balances()
        with pytest.raises(NoExchangeError):
            await public.create(request())
    assert fake.arrivals == []


def _loads(fake: FakeBitfinex) -> int:
    return sum(path.startswith("conf/pub:info:pair") for path in fake.requests)
