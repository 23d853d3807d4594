"""Fakes that several test folders share: a clock, a market, and the contract's example account."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from shared_services.exchange.model import (
    Candle,
    Instrument,
    Level,
    OrderStatus,
    OrderType,
    Side,
    Ticker,
    Trade,
)
from shared_services.exchange.paper.settlement import NAME
from shared_services.exchange.paper.synthetic import SyntheticMarket
from shared_services.exchange.paper.tables import (
    ACCOUNT,
    BALANCES,
    FILLS,
    ORDERS,
    AccountRow,
    BalanceRow,
    FillRow,
    OrderRow,
)
from shared_services.storage import Transaction
from shared_services.symbols import pricing_symbol

EXAMPLE_NOW: Final = 1_700_000_000_000  # 2023-11-14 22:13:20 UTC
HOUR_MS: Final = 3_600_000


@dataclass
class FixedClock:
    now: int = EXAMPLE_NOW

    def now_ms(self) -> int:
        return self.now


@dataclass
class FixedMarket:
    """Prices that a test sets, by symbol without TEST; one level of `depth` at each side.

    `books` replaces that level by others, by symbol and side: steps of 10 from the middle.
    """

    prices: dict[str, Ticker] = field(default_factory=dict)
    depth: Decimal = Decimal(1_000_000)
    books: dict[tuple[str, Side], tuple[str, ...]] = field(default_factory=dict)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        known = SyntheticMarket(0).instruments
        return {name: one for name, one in known.items() if pricing_symbol(name) in self.prices}

    def set(self, symbol: str, last: int | str, spread: int | str = 0) -> None:
        """With a change of 1 % since yesterday, as clients count it."""
        middle, half = Decimal(last), Decimal(spread) / 2
        change = middle / 100
        self.prices[symbol] = Ticker(
            symbol,
            middle - half,
            middle + half,
            middle,
            0,
            volume=Decimal("1234.5"),
            change=change,
            change_percent=change / (middle - change) * 100,
        )

    def only(self, depth: str) -> None:
        """Nothing to trade with but one level of `depth` at each side."""
        self.books.clear()
        self.depth = Decimal(depth)

    def ticker(self, symbol: str, at: int) -> Ticker:
        return replace(self.prices[pricing_symbol(symbol)], symbol=symbol, timestamp=at)

    def levels(self, symbol: str, side: Side, at: int) -> Iterator[Level]:
        ticker = self.ticker(symbol, at)
        best, step = (ticker.ask, 10) if side is Side.BUY else (ticker.bid, -10)
        for number, amount in enumerate(self.books.get((pricing_symbol(symbol), side), ())):
            yield Level(best + number * step, Decimal(amount))
        if (pricing_symbol(symbol), side) not in self.books:
            yield Level(best, self.depth)

    def candles(self, symbol: str, length: int, count: int, at: int) -> list[Candle]:
        """The two of the contract's example, and before them others; scaled to the price."""
        scale = self.ticker(symbol, at).last / 40_000
        newest = at // length * length
        return [_candle(newest - back * length, back, scale) for back in reversed(range(count))]

    def trades(self, symbol: str, count: int, at: int) -> list[Trade]:
        """One a second, alternately bought and sold; the newest has the number 77."""
        last = self.ticker(symbol, at).last
        return [
            Trade(str(77 - back), last, Decimal("0.01") * (1 - back % 2 * 2), at - back * 1000)
            for back in reversed(range(count))
        ]

    def first_touch(
        self, symbol: str, side: Side, limit: Decimal, span: tuple[int, int]
    ) -> int | None:
        """At the end of the span, if the price of now is good enough: it has no history."""
        ticker = self.ticker(symbol, span[1])
        touched = ticker.ask <= limit if side is Side.BUY else ticker.bid >= limit
        return span[1] if touched and span[0] < span[1] else None


def _candle(start: int, back: int, scale: Decimal) -> Candle:
    """The bar `back` places before the newest, at a price of 40 000."""
    match back:
        case 0:
            values = 39_950, 40_020, 39_930, 40_000, "2.7"
        case 1:
            values = 39_900, 39_980, 39_890, 39_950, "3.2"
        case _:  # closes 39 900, 39 890, 39 880, 39 900, …; each opens where the one before closed
            first, last = 39_900 - (back - 1) % 3 * 10, 39_900 - (back - 2) % 3 * 10
            values = first, max(first, last) + 20, min(first, last) - 20, last, "2.0"
    opened, highest, lowest, close, volume = (Decimal(value) for value in values)
    return Candle(start, opened * scale, highest * scale, lowest * scale, close * scale, volume)


def example_market() -> FixedMarket:
    """The prices of the example account: BTC/USD 39990, 40010, last 40000; ETH/USD 2000."""
    rest = 18 * ("1",)
    market = FixedMarket(
        books={
            ("BTC/USD", Side.SELL): ("1.5", "2.0", *rest),
            ("BTC/USD", Side.BUY): ("1.2", "0.8", *rest),
        }
    )
    market.set("BTC/USD", 40_000, spread=20)
    market.set("ETH/USD", 2_000)
    return market


def write_example_account(tx: Transaction) -> None:
    """The example account of the contract, before anybody opens the paper exchange on it."""
    tx.put(ACCOUNT, AccountRow(NAME, next_order=1001, next_fill=2, latest_ms=EXAMPLE_NOW))
    tx.put(BALANCES, BalanceRow("TESTUSD", 0, total=Decimal(8000), reserved=Decimal(390)))
    tx.put(BALANCES, BalanceRow("TESTBTC", 1, total=Decimal("0.05"), reserved=Decimal(0)))
    bought = EXAMPLE_NOW - HOUR_MS
    tx.put(ORDERS, _bought(bought))
    tx.put(ORDERS, _resting())
    tx.put(
        FILLS,
        FillRow(
            number=1,
            order_number=999,
            symbol="TESTBTC/TESTUSD",
            side=Side.BUY,
            amount=Decimal("0.05"),
            price=Decimal(38_000),
            fee=Decimal("1.9"),
            at_ms=bought,
        ),
    )


def _bought(at: int) -> OrderRow:
    return OrderRow(
        number=999,
        client_id="example-999",
        symbol="TESTBTC/TESTUSD",
        type=OrderType.MARKET,
        side=Side.BUY,
        amount=Decimal("0.05"),
        filled=Decimal("0.05"),
        price=None,
        cost=Decimal(1900),
        fee=Decimal("1.9"),
        status=OrderStatus.CLOSED,
        is_open=False,
        created_ms=at,
        settled_ms=at,
    )


def _resting() -> OrderRow:
    return OrderRow(
        number=1000,
        client_id="example-1000",
        symbol="TESTBTC/TESTUSD",
        type=OrderType.LIMIT,
        side=Side.BUY,
        amount=Decimal("0.01"),
        filled=Decimal(0),
        price=Decimal(39_000),
        cost=Decimal(0),
        fee=Decimal(0),
        status=OrderStatus.OPEN,
        is_open=True,
        created_ms=EXAMPLE_NOW,
        settled_ms=EXAMPLE_NOW,
    )
