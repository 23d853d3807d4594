"""Exchanges that fail in chosen ways."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from shared_services.exchange.model import (
    ExchangeOrder,
    Level,
    Listing,
    MarginPosition,
    OrderBook,
    OrderRequest,
)
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.port import ExchangeFailedError, ExchangePort
from tests.fakes import EXAMPLE_NOW, HOUR_MS


def failing(exchange: ExchangePort, failures: Mapping[str, Exception]) -> ExchangePort:
    """`exchange`, but the methods named in `failures` raise."""

    class Failing:
        def __getattr__(self, name: str) -> Any:
            if name not in failures:
                return getattr(exchange, name)

            async def fail(*_args: object) -> None:
                raise failures[name]

            return fail

    return cast("ExchangePort", Failing())


class LostAnswer(PaperExchange):
    """The first order arrives, its answer does not."""

    lost = False

    async def create(self, request: OrderRequest) -> ExchangeOrder:
        order = await super().create(request)
        if self.lost:
            return order
        self.lost = True
        raise ExchangeFailedError("connection reset")


class Margin(PaperExchange):
    """Keeps margin positions as well."""

    def __init__(self, *args: Any, count: int = 1) -> None:
        super().__init__(*args)
        self._count = count

    async def margin_positions(self) -> list[MarginPosition]:
        return [_margin_position(f"m{number + 1}") for number in range(self._count)]


class Venue(PaperExchange):
    """The second of two exchanges: a thin book that is one second older."""

    best_bid = Decimal(39_990)

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        book = await super().order_book(symbol, limit)
        bid, ask = Level(self.best_bid, Decimal("0.5")), Level(Decimal(40_015), Decimal(1))
        return replace(book, bids=(bid,), asks=(ask,), timestamp=book.timestamp - 1000)


class HighVenue(Venue):
    """Offers more than the other one asks."""

    best_bid = Decimal(40_010)


class ClosedMarkets(PaperExchange):
    """Trades nothing but BTC/USD now."""

    async def listings(self) -> list[Listing]:
        return [replace(one, active=one.symbol == "BTC/USD") for one in await super().listings()]


def failing_port(text: str) -> Callable[..., ExchangePort]:
    """An exchange whose order books cannot be read."""
    failures = {"order_book": ExchangeFailedError(text)}
    return lambda *parts: failing(PaperExchange(*parts), failures)


def two_venues(**changes: Callable[..., ExchangePort] | None) -> dict[str, Any]:
    """Those of the contract's examples, but for the changes."""
    return {"bitfinex": PaperExchange, "kraken": Venue} | changes


def _margin_position(name: str) -> MarginPosition:
    return MarginPosition(
        id=name,
        symbol="LTC/USD",
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
        margin_mode="isolated",
        timestamp=EXAMPLE_NOW - HOUR_MS,
    )
