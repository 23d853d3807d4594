"""Fakes that several test folders share: a clock, a market, and the contract's example account."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from shared_services.exchange.model import Instrument, Level, OrderStatus, OrderType, Side, Ticker
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
    """Prices that a test sets, by symbol without TEST; one level of `depth` at each side."""

    prices: dict[str, Ticker] = field(default_factory=dict)
    depth: Decimal = Decimal(1_000_000)

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        known = SyntheticMarket(0).instruments
        return {name: one for name, one in known.items() if pricing_symbol(name) in self.prices}

    def set(self, symbol: str, last: int | str, spread: int | str = 0) -> None:
        middle, half = Decimal(last), Decimal(spread) / 2
        self.prices[symbol] = Ticker(
            symbol, middle - half, middle + half, middle, 0, volume=Decimal("1234.5")
        )

    def ticker(self, symbol: str, at: int) -> Ticker:
        return replace(self.prices[pricing_symbol(symbol)], symbol=symbol, timestamp=at)

    def levels(self, symbol: str, side: Side, at: int) -> Iterator[Level]:
        ticker = self.ticker(symbol, at)
        yield Level(ticker.ask if side is Side.BUY else ticker.bid, self.depth)

    def first_touch(
        self, symbol: str, side: Side, limit: Decimal, span: tuple[int, int]
    ) -> int | None:
        """At the end of the span, if the price of now is good enough: it has no history."""
        ticker = self.ticker(symbol, span[1])
        touched = ticker.ask <= limit if side is Side.BUY else ticker.bid >= limit
        return span[1] if touched and span[0] < span[1] else None


def example_market() -> FixedMarket:
    """The prices of the example account: BTC/USD 39990, 40010, last 40000; ETH/USD 2000."""
    market = FixedMarket()
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
