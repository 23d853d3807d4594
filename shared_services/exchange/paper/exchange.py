"""The paper exchange: the exchange port over the account in the store."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Final, TypeVar

from anyio import to_thread

from shared_services.clock import Clock
from shared_services.exchange.model import (
    TIMEFRAMES,
    Balance,
    Candle,
    ExchangeOrder,
    Fill,
    FillReport,
    Instrument,
    Level,
    Limitations,
    Listing,
    MarginPosition,
    OrderBook,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    Ticker,
    Trade,
)
from shared_services.exchange.paper import account, settlement, wallet
from shared_services.exchange.paper.market import Market
from shared_services.exchange.paper.settlement import Floor
from shared_services.exchange.paper.tables import FILLS, ORDERS, FillRow, OrderRow
from shared_services.exchange.port import ExchangeFailedError, UnknownOrderError
from shared_services.storage import Reader, Store
from shared_services.storage.errors import StoreUnavailable

T = TypeVar("T")

LIMITATIONS: Final = Limitations(
    is_paper_trading=True,
    limitations=("Orders are simulated", "Margin orders are executed as spot"),
    margin_trading_available=False,
    supported_order_types=("spot",),
)

_LONGEST_ID: Final = 18  # digits: what an int of 64 bits holds in any case


class PaperExchange:
    def __init__(self, store: Store, market: Market, clock: Clock) -> None:
        self._store = store
        self._market = market
        self._clock = clock

    async def limitations(self) -> Limitations:
        return LIMITATIONS

    async def instruments(self) -> Mapping[str, Instrument]:
        return self._market.instruments

    async def ticker(self, symbol: str) -> Ticker:
        self._check(symbol)
        return self._market.ticker(symbol, self._clock.now_ms())

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        self._check(symbol)
        length, now = TIMEFRAMES[timeframe], self._clock.now_ms()
        return await to_thread.run_sync(self._market.candles, symbol, length, limit, now)

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        self._check(symbol)
        now = self._clock.now_ms()
        bids, asks = (self._levels(symbol, side, now, limit) for side in (Side.SELL, Side.BUY))
        return OrderBook(symbol, bids, asks, now)

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        self._check(symbol)
        return self._market.trades(symbol, limit, self._clock.now_ms())

    async def listings(self) -> list[Listing]:
        return [_listing(one) for one in self._market.instruments.values()]

    async def balances(self) -> list[Balance]:
        rows = await self._look(wallet.balances)
        return [Balance(row.currency, row.total, row.total - row.reserved) for row in rows]

    async def margin_positions(self) -> list[MarginPosition]:
        """None: margin orders are executed as spot."""
        return []

    async def create(self, request: OrderRequest) -> ExchangeOrder:
        with _translated():
            return _order(await self._store.transaction(account.place, self._floor(), request))

    async def cancel(self, order_id: str) -> None:
        with _translated():
            await self._store.transaction(account.cancel, self._floor(), _number(order_id))

    async def order(self, order_id: str) -> ExchangeOrder:
        number = _number(order_id)
        row = await self._look(lambda reader: reader.get(ORDERS, number))
        if row is None:
            raise UnknownOrderError(f"no order {order_id}")
        return _order(row)

    async def order_by_client_id(self, client_id: str) -> ExchangeOrder | None:
        row = await self._look(lambda reader: account.by_client_id(reader, client_id))
        return None if row is None else _order(row)

    async def open_orders(self) -> list[ExchangeOrder]:
        return [_order(row) for row in await self._look(settlement.open_orders)]

    async def closed_orders(self, symbol: str | None, limit: int) -> list[ExchangeOrder]:
        if symbol is not None and symbol not in self._market.instruments:
            return []
        rows = await self._look(lambda reader: _closed(reader, symbol, limit))
        return [_order(row) for row in rows]

    async def fills(self, cursor: str | None) -> FillReport:
        rows = await self._look(lambda reader: _fills_after(reader, int(cursor or 0)))
        newest = str(rows[-1].number) if rows else cursor or "0"
        return FillReport(tuple(_fill(row) for row in rows), newest)

    def _check(self, symbol: str) -> None:
        if symbol not in self._market.instruments:
            raise ExchangeFailedError(f"unknown symbol {symbol}")

    def _levels(self, symbol: str, side: Side, now: int, limit: int) -> tuple[Level, ...]:
        """What an order of `side` would meet."""
        return tuple(islice(self._market.levels(symbol, side, now), limit))

    async def _look(self, look: Callable[[Reader], T]) -> T:
        """Settle if anything is due, then read: mostly nothing is, and one read is enough."""
        floor = self._floor()
        with _translated():
            seen = await self._store.read(_unless_due, floor, look)
            if seen is not None:
                return seen[0]
            await self._store.transaction(settlement.settle, floor)
            return await self._store.read(look)

    def _floor(self) -> Floor:
        return Floor(self._market, self._clock.now_ms())


@contextmanager
def _translated() -> Iterator[None]:
    """Clients hear of an exchange that failed; ours happens to live in the store."""
    try:
        yield
    except StoreUnavailable as error:
        raise ExchangeFailedError("paper account unavailable") from error


def _listing(one: Instrument) -> Listing:
    """A spot market that also takes margin orders, which are executed as spot."""
    return Listing(
        symbol=one.symbol,
        base=one.base,
        quote=one.quote,
        active=True,
        type="spot",
        spot=True,
        margin=True,
        future=False,
        option=False,
        contract=False,
    )


def _number(order_id: str) -> int:
    digits = order_id.isascii() and order_id.isdigit() and not order_id.startswith("0")
    if not digits or len(order_id) > _LONGEST_ID:
        raise UnknownOrderError(f"no order {order_id}")
    return int(order_id)


def _unless_due(reader: Reader, floor: Floor, look: Callable[[Reader], T]) -> tuple[T] | None:
    """What `look` sees; None if the account has to be settled first."""
    return None if settlement.is_due(reader, floor) else (look(reader),)


def _closed(reader: Reader, symbol: str | None, limit: int) -> list[OrderRow]:
    only = {} if symbol is None else {"symbol": symbol}
    return reader.find(
        ORDERS, order_by="number", descending=True, limit=limit, is_open=False, **only
    )


def _fills_after(reader: Reader, number: int) -> list[FillRow]:
    """Fills are numbered without a gap: we know how many there are."""
    new = settlement.account_of(reader).next_fill - 1 - number
    rows = reader.find(FILLS, order_by="number", descending=True, limit=new) if new > 0 else []
    return rows[::-1]


def _order(row: OrderRow) -> ExchangeOrder:
    return ExchangeOrder(
        id=str(row.number),
        client_id=row.client_id,
        symbol=row.symbol,
        type=OrderType(row.type),
        side=Side(row.side),
        amount=row.amount,
        filled=row.filled,
        price=row.price,
        cost=row.cost,
        fee=row.fee,
        status=OrderStatus(row.status),
        timestamp=row.created_ms,
    )


def _fill(row: FillRow) -> Fill:
    return Fill(
        id=str(row.number),
        order_id=str(row.order_number),
        symbol=row.symbol,
        side=Side(row.side),
        amount=row.amount,
        price=row.price,
        fee=row.fee,
        timestamp=row.at_ms,
    )
