"""A live exchange: the port over ccxt. Prices are anybody's, orders and accounts Bitfinex'."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from shared_services.clock import Clock
from shared_services.exchange.ccxt import trading, translate
from shared_services.exchange.ccxt.client import Client, Venue, open_client
from shared_services.exchange.ccxt.errors import Door
from shared_services.exchange.ccxt.public import PublicMarkets
from shared_services.exchange.ccxt.tables import CLIENT_IDS, ClientIdRow
from shared_services.exchange.ccxt.translate import Raw
from shared_services.exchange.model import (
    Balance,
    ExchangeOrder,
    Fill,
    FillReport,
    MarginPosition,
    OrderRequest,
)
from shared_services.exchange.port import (
    ExchangeFailedError,
    NoExchangeError,
    RefusedError,
    UnknownOrderError,
)
from shared_services.nonces.owner import NonceOwner
from shared_services.storage import Reader, Store, Transaction

PAGE: Final = 2_500  # orders or trades in one answer
OVERLAP_MS: Final = 60_000  # a trade may be reported after a later one
SKEW_MS: Final = 300_000  # between our clock and the exchange's

_LONGEST_ID: Final = 18  # digits: what an int of 64 bits holds in any case


@asynccontextmanager
async def open_ccxt(
    venue: Venue, owner: NonceOwner | None, store: Store, clock: Clock
) -> AsyncIterator["CcxtExchange"]:
    """The exchange for this loop; nothing is asked of it yet. Raises NoExchangeError."""
    async with open_client(venue, owner) as client:
        door = Door(venue.id, venue.secrets)
        yield CcxtExchange(client, door, store, clock, owner)


class CcxtExchange(PublicMarkets):
    """Without keys, what belongs to an account raises NoExchangeError."""

    def __init__(
        self, client: Client, door: Door, store: Store, clock: Clock, owner: NonceOwner | None
    ) -> None:
        super().__init__(client, door, clock)
        self._store = store
        self._owner = owner

    @property
    def queue_size(self) -> int:
        """How many calls wait for their nonce in this process."""
        return 0 if self._owner is None else self._owner.queue_size

    async def balances(self) -> list[Balance]:
        with self._door.guarded():
            await self._load_account()
            return translate.balances(await self._client.fetch_balance())

    async def margin_positions(self) -> list[MarginPosition]:
        with self._door.guarded():
            await self._load_account()
            raws = await self._client.fetch_positions()
            if not raws:
                return []
            tickers = await self._client.fetch_tickers([raw["symbol"] for raw in raws])
            return [self._position(raw, tickers[raw["symbol"]]) for raw in raws]

    async def create(self, request: OrderRequest) -> ExchangeOrder:
        with self._door.guarded(ordering=True):
            await self._load_account()
            if request.symbol not in self._client.markets:
                raise RefusedError(f"Unknown symbol: {request.symbol}")
            amount, price = trading.exact(self._client, request)
            params = trading.parameters(self._client, request)
            await self._store.transaction(_remember, request.client_id, self._clock.now_ms())
            raw = await self._client.create_order(
                request.symbol, request.type.value, request.side.value, amount, price, params
            )
            return trading.order(self._client, raw, request.client_id, ())

    async def cancel(self, order_id: str) -> None:
        number = _number(order_id)
        with self._door.guarded(ordering=True):
            await self._load_account()
            await self._client.cancel_order(str(number))

    async def order(self, order_id: str) -> ExchangeOrder:
        """First among the open ones: an order closes, it does not open again."""
        only = {"id": [_number(order_id)]}
        with self._door.guarded(ordering=True):
            await self._load_account()
            raws = await self._client.fetch_open_orders(None, None, None, only)
            raws = raws or await self._client.fetch_closed_orders(None, None, None, only)
            orders = await self._orders(raws)
        if not orders:
            raise UnknownOrderError(f"no order {order_id}")
        return orders[0]

    async def order_by_client_id(self, client_id: str) -> ExchangeOrder | None:
        """A look-up is signed later than the order: once it has arrived, the order cannot any more.

        Its nonce is higher, and the exchange refuses what arrives with a lower one.
        """
        number = trading.client_number(client_id)
        with self._door.guarded():
            row = await self._store.read(lambda reader: reader.get(CLIENT_IDS, number))
            if row is None:
                return None  # never sent: the row is written first
            await self._load_account()
            raws = await self._client.fetch_open_orders()
            found = [raw for raw in raws if trading.number_of(raw) == number]
            found = found or await self._closed_since(row.created_ms - SKEW_MS, number)
            orders = await self._orders(found)
        return orders[0] if orders else None

    async def open_orders(self) -> list[ExchangeOrder]:
        with self._door.guarded():
            await self._load_account()
            orders = await self._orders(await self._client.fetch_open_orders())
        return sorted(orders, key=_age)

    async def closed_orders(self, symbol: str | None, limit: int) -> list[ExchangeOrder]:
        """What Bitfinex still tells: about two weeks."""
        with self._door.guarded():
            await self._load_account()
            if symbol is not None and symbol not in self._client.markets:
                return []
            raws = await self._client.fetch_closed_orders(symbol, None, limit)
            orders = await self._orders(raws)
        return sorted(orders, key=_age, reverse=True)[:limit]

    async def fills(self, cursor: str | None) -> FillReport:
        """`cursor` is a time in ms, a little before the newest fill."""
        since = int(cursor or 0)
        with self._door.guarded():
            await self._load_account()
            fills = await self._fills(since, None)
        if not fills:
            return FillReport((), str(since))
        return FillReport(tuple(fills), str(max(since, fills[-1].timestamp - OVERLAP_MS)))

    async def _load_account(self) -> None:
        if not self._client.apiKey:
            raise NoExchangeError(f"no keys for {self._client.id}")
        await self._load()

    def _position(self, raw: Raw, ticker: Raw) -> MarginPosition:
        contract = bool(self._client.markets[raw["symbol"]]["contract"])
        return trading.margin_position(raw, translate.number(ticker["last"]), contract=contract)

    async def _closed_since(self, since: int, number: int) -> list[Raw]:
        raws = await self._client.fetch_closed_orders(None, since, PAGE)
        found = [raw for raw in raws if trading.number_of(raw) == number]
        if not found and len(raws) >= PAGE:
            raise ExchangeFailedError(f"more than {PAGE} orders since, not all were looked at")
        return found

    async def _orders(self, raws: Iterable[Raw]) -> list[ExchangeOrder]:
        """With our own client ids, and what their fills cost."""
        known = translate.once(raws, lambda raw: raw["id"])
        numbers = [trading.number_of(raw) for raw in known]
        names = await self._store.read(_client_ids, numbers)
        span = trading.span(known)
        fills = [] if span is None else await self._fills(*span)
        return [
            trading.order(
                self._client, raw, name, [fill for fill in fills if fill.order_id == raw["id"]]
            )
            for raw, name in zip(known, names, strict=True)
        ]

    async def _fills(self, since: int, until: int | None) -> list[Fill]:
        """All of them, oldest first, page by page."""
        raws: list[Any] = []
        params = {"sort": 1, **({} if until is None else {"end": until})}
        while True:
            page = await self._client.fetch_my_trades(None, since, PAGE, params)
            raws += page
            if len(page) < PAGE:
                break
            if page[-1]["timestamp"] == since:
                raise ExchangeFailedError(f"more than {PAGE} trades in one millisecond")
            since = page[-1]["timestamp"]
        fills = (trading.fill(self._client, raw) for raw in raws)
        return sorted(translate.once(fills, lambda fill: fill.id), key=_age)


def _number(order_id: str) -> int:
    if not (order_id.isascii() and order_id.isdigit() and len(order_id) <= _LONGEST_ID):
        raise UnknownOrderError(f"no order {order_id}")
    return int(order_id)


def _age(item: ExchangeOrder | Fill) -> tuple[int, int, str]:
    return item.timestamp, len(item.id), item.id  # an id is a number: 10 comes after 9


def _remember(tx: Transaction, client_id: str, now: int) -> None:
    """Before it is sent. Sent again, it keeps the time of the first."""
    tx.add(CLIENT_IDS, ClientIdRow(trading.client_number(client_id), client_id, now))


def _client_ids(reader: Reader, numbers: list[int | None]) -> list[str | None]:
    """Ours for the exchange's; None for an order that somebody else placed."""
    rows = [None if number is None else reader.get(CLIENT_IDS, number) for number in numbers]
    return [None if row is None else row.client_id for row in rows]
