"""The paper exchange: the exchange port over the account in the store."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Concatenate, Final, ParamSpec, TypeVar

from shared_services.clock import Clock
from shared_services.exchange.model import (
    Balance,
    ExchangeOrder,
    Fill,
    Instrument,
    Limitations,
    MarginPosition,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    Ticker,
)
from shared_services.exchange.paper import account, settlement, wallet
from shared_services.exchange.paper.market import Market
from shared_services.exchange.paper.settlement import Floor
from shared_services.exchange.paper.tables import FILLS, ORDERS, FillRow, OrderRow
from shared_services.exchange.port import ExchangeFailedError, UnknownOrderError
from shared_services.storage import Reader, Store
from shared_services.storage.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")

LIMITATIONS: Final = Limitations(
    is_paper_trading=True,
    limitations=("Orders are simulated", "Margin orders are executed as spot"),
    margin_trading_available=False,
    supported_order_types=("spot",),
)

_LONGEST_ID: Final = 18  # digits: what an int of 64 bits holds in any case
_PAGE: Final = 100


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
        if symbol not in self._market.instruments:
            raise ExchangeFailedError(f"unknown symbol {symbol}")
        return self._market.ticker(symbol, self._clock.now_ms())

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
        row = await self._look(_get, _number(order_id))
        if row is None:
            raise UnknownOrderError(f"no order {order_id}")
        return _order(row)

    async def order_by_client_id(self, client_id: str) -> ExchangeOrder | None:
        row = await self._look(account.by_client_id, client_id)
        return None if row is None else _order(row)

    async def open_orders(self) -> list[ExchangeOrder]:
        return [_order(row) for row in await self._look(settlement.open_orders)]

    async def closed_orders(self, symbol: str | None, limit: int) -> list[ExchangeOrder]:
        if symbol is not None and symbol not in self._market.instruments:
            return []
        return [_order(row) for row in await self._look(_closed, symbol, limit)]

    async def fills_since(self, since: int) -> list[Fill]:
        return [_fill(row) for row in await self._look(_recorded_since, since)]

    async def _look(
        self,
        answer: Callable[Concatenate[Reader, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Settle if anything is due, then read."""
        floor = self._floor()
        with _translated():
            if await self._store.read(settlement.is_due, floor):
                await self._store.transaction(settlement.settle, floor)
            return await self._store.read(answer, *args, **kwargs)

    def _floor(self) -> Floor:
        return Floor(self._market, self._clock.now_ms())


@contextmanager
def _translated() -> Iterator[None]:
    """Clients hear of an exchange that failed; ours happens to live in the store."""
    try:
        yield
    except StoreUnavailable as error:
        raise ExchangeFailedError("paper account unavailable") from error


def _number(order_id: str) -> int:
    digits = order_id.isascii() and order_id.isdigit() and not order_id.startswith("0")
    if not digits or len(order_id) > _LONGEST_ID:
        raise UnknownOrderError(f"no order {order_id}")
    return int(order_id)


def _get(reader: Reader, number: int) -> OrderRow | None:
    return reader.get(ORDERS, number)


def _closed(reader: Reader, symbol: str | None, limit: int) -> list[OrderRow]:
    only = {} if symbol is None else {"symbol": symbol}
    return reader.find(
        ORDERS, order_by="number", descending=True, limit=limit, is_open=False, **only
    )


def _recorded_since(reader: Reader, since: int) -> list[FillRow]:
    """Numbers rise with the time of recording: read backwards until far enough."""
    page = _PAGE
    while True:
        rows = reader.find(FILLS, order_by="number", descending=True, limit=page)
        if len(rows) < page or rows[-1].recorded_ms < since:
            return [row for row in reversed(rows) if row.recorded_ms >= since]
        page *= 4


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
