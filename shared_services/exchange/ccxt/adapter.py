"""A live exchange: the port over ccxt. Orders and accounts are Bitfinex', prices anybody's."""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio

from shared_services.clock import Clock
from shared_services.exchange.ccxt import trading, translate
from shared_services.exchange.ccxt.client import Client, Venue, open_client
from shared_services.exchange.ccxt.errors import Door
from shared_services.exchange.ccxt.tables import CLIENT_IDS, ClientIdRow
from shared_services.exchange.ccxt.translate import Raw
from shared_services.exchange.model import (
    Balance,
    Candle,
    ExchangeOrder,
    Fill,
    FillReport,
    Instrument,
    Limitations,
    Listing,
    MarginPosition,
    OrderBook,
    OrderRequest,
    Ticker,
    Trade,
)
from shared_services.exchange.port import (
    ExchangeFailedError,
    NoExchangeError,
    RefusedError,
    UnknownOrderError,
)
from shared_services.nonces.owner import NonceOwner
from shared_services.storage import Reader, Store, Transaction

MARKETS_MS: Final = 3_600_000  # a list of markets is renewed after so long
MARKETS_AGAIN_MS: Final = 60_000  # and if that fails, tried again after so long
PAGE: Final = 2_500  # orders or trades in one answer
OVERLAP_MS: Final = 60_000  # a trade may be reported after a later one
SKEW_MS: Final = 300_000  # between our clock and the exchange's

# How many levels may be asked for, and what else to say, where not every number will do
_BOOKS: Final[Mapping[str, tuple[tuple[int, ...], Mapping[str, str]]]] = {
    "bitfinex": ((1, 25, 100, 250), {"precision": "P0"}),  # R0 lists orders, not levels
    "kucoin": ((20, 100), {}),
}

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_ccxt(
    venue: Venue, owner: NonceOwner | None, store: Store, clock: Clock
) -> AsyncIterator["CcxtExchange"]:
    """The exchange for this loop; nothing is asked of it yet. Raises NoExchangeError."""
    async with open_client(venue, owner) as client:
        yield CcxtExchange(client, Door(venue.id, venue.secrets), store, clock)


class CcxtExchange:
    """Without keys, what belongs to an account raises NoExchangeError."""

    def __init__(self, client: Client, door: Door, store: Store, clock: Clock) -> None:
        self._client = client
        self._door = door
        self._store = store
        self._clock = clock
        self._loading = anyio.Lock()
        self._stale_ms = 0  # when the markets have to be loaded

    async def limitations(self) -> Limitations:
        with self._door.guarded():
            await self._load()
            has_margin = any(market["margin"] for market in self._client.markets.values())
        return Limitations(
            is_paper_trading=False,
            limitations=("The leverage of a margin order is that of the account",),
            margin_trading_available=has_margin,
            supported_order_types=("spot", "margin") if has_margin else ("spot",),
        )

    async def instruments(self) -> Mapping[str, Instrument]:
        with self._door.guarded():
            await self._load()
            return translate.instruments(self._client.markets, self._client.precisionMode)

    async def listings(self) -> list[Listing]:
        with self._door.guarded():
            await self._load()
            return [translate.listing(market) for market in self._client.markets.values()]

    async def ticker(self, symbol: str) -> Ticker:
        with self._door.guarded():
            await self._load(symbol)
            raw = await self._client.fetch_ticker(symbol)
            return translate.ticker(raw, self._clock.now_ms())

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        with self._door.guarded():
            await self._load(symbol)
            raws = await self._client.fetch_ohlcv(symbol, timeframe, None, limit)
            return [translate.candle(raw) for raw in raws][-limit:]

    async def order_book(self, symbol: str, limit: int) -> OrderBook:
        sizes, params = _BOOKS.get(self._client.id, ((), {}))
        size = next((size for size in sizes if size >= limit), None)
        with self._door.guarded():
            await self._load(symbol)
            raw = await self._client.fetch_order_book(symbol, size, params)
            return translate.order_book(raw, limit, self._clock.now_ms())

    async def trades(self, symbol: str, limit: int) -> list[Trade]:
        with self._door.guarded():
            await self._load(symbol)
            raws = await self._client.fetch_trades(symbol, None, limit)
            return [translate.trade(raw) for raw in raws][-limit:]

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
            return trading.order(raw, request.client_id, ())

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
        row = await self._store.read(lambda reader: reader.get(CLIENT_IDS, number))
        if row is None:
            return None  # never sent: the row is written first
        since = row.created_ms - SKEW_MS
        with self._door.guarded():
            await self._load_account()
            raws = await self._client.fetch_open_orders()
            found = [raw for raw in raws if trading.number_of(raw) == number]
            found = found or await self._closed_since(since, number)
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

    async def _load(self, symbol: str | None = None) -> None:
        """The markets, if they are old, and `symbol` among them."""
        if self._clock.now_ms() >= self._stale_ms:
            async with self._loading:
                await self._reload()
        if symbol is not None and symbol not in self._client.markets:
            raise ExchangeFailedError(f"unknown symbol {symbol}")

    async def _reload(self) -> None:
        now = self._clock.now_ms()
        if now < self._stale_ms:
            return
        try:
            with self._door.guarded():
                await self._client.load_markets(True)
        except ExchangeFailedError as error:
            if not self._client.markets:
                raise
            _log.warning("markets.not_renewed", extra={"reason": str(error)})
            self._stale_ms = now + MARKETS_AGAIN_MS
        else:
            self._stale_ms = now + MARKETS_MS

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
            trading.order(raw, name, (fill for fill in fills if fill.order_id == raw["id"]))
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
        fills = (trading.fill(raw, self._client.markets) for raw in raws)
        return sorted(translate.once(fills, lambda fill: fill.id), key=_age)


def _number(order_id: str) -> int:
    if not (order_id.isascii() and order_id.isdigit()):
        raise UnknownOrderError(f"no order {order_id}")
    return int(order_id)


def _age(item: ExchangeOrder | Fill) -> tuple[int, str]:
    return item.timestamp, item.id


def _remember(tx: Transaction, client_id: str, now: int) -> None:
    """Before it is sent. Sent again, it keeps the time of the first."""
    tx.add(CLIENT_IDS, ClientIdRow(trading.client_number(client_id), client_id, now))


def _client_ids(reader: Reader, numbers: list[int | None]) -> list[str | None]:
    """Ours for the exchange's; None for an order that somebody else placed."""
    rows = [None if number is None else reader.get(CLIENT_IDS, number) for number in numbers]
    return [None if row is None else row.client_id for row in rows]
