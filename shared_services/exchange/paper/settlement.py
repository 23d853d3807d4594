"""Filling orders: at once when they are placed, later when somebody looks.

Between two looks nobody works. Orders at rest are matched against the prices the market had in the
meantime, each at its own limit and the earliest first, so that the outcome is the same however often
anybody looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import Final

from shared_services.exchange.model import Instrument, Level, OrderStatus, Side
from shared_services.exchange.paper import wallet
from shared_services.exchange.paper.market import Market
from shared_services.exchange.paper.matching import Need, walk
from shared_services.exchange.paper.tables import (
    ACCOUNT,
    FILLS,
    ORDERS,
    AccountRow,
    FillRow,
    OrderRow,
)
from shared_services.storage import Reader, Transaction

NAME: Final = "paper"
FILLS_AT_ONCE: Final = 100  # in one look; the next look goes on from there
PROGRESS_MS: Final = 3_600_000  # an order at rest is written back this often: looks stay cheap


@dataclass(frozen=True, slots=True)
class Floor:
    """The market, and the time (ms) at which we trade on it."""

    market: Market
    now: int

    def instrument(self, order: OrderRow) -> Instrument:
        return self.market.instruments[order.symbol]


def settle(tx: Transaction, floor: Floor) -> Floor:
    """Fill what the market has reached by now; the floor returned never runs backwards in time."""
    account = account_of(tx)
    floor = replace(floor, now=max(floor.now, account.latest_ms))
    tx.put(ACCOUNT, replace(account, latest_ms=floor.now))
    _fill_all(tx, floor, open_orders(tx))
    return floor


def is_due(reader: Reader, floor: Floor) -> bool:
    """Whether looking now would change any order."""
    return any(
        floor.now - order.settled_ms > PROGRESS_MS or _touch(floor, order) is not None
        for order in open_orders(reader)
    )


def open_orders(reader: Reader) -> list[OrderRow]:
    return reader.find(ORDERS, is_open=True, order_by="number")


def account_of(reader: Reader) -> AccountRow:
    account = reader.get(ACCOUNT, NAME)
    if account is None:
        raise LookupError("the paper account is opened before it is used")
    return account


def fill(tx: Transaction, floor: Floor, order: OrderRow, part: Level, at: int) -> OrderRow:
    """Book one execution of `order` at `at` (ms); it closes when nothing remains."""
    instrument = floor.instrument(order)
    reserved = reserved_for(order, instrument, part)
    fee = wallet.trade(tx, instrument, Side(order.side), part, reserved)
    _record(tx, order, part, fee, at)
    filled = order.filled + part.amount
    is_open = filled < order.amount
    order = replace(
        order,
        filled=filled,
        cost=order.cost + part.price * part.amount,
        fee=order.fee + fee,
        status=OrderStatus.OPEN if is_open else OrderStatus.CLOSED,
        is_open=is_open,
        settled_ms=at,
    )
    tx.put(ORDERS, order)
    return order


def reserved_for(order: OrderRow, instrument: Instrument, part: Level) -> Need:
    """What was reserved for `part` of the order: a buyer's limit, which its price may beat."""
    if order.side == Side.SELL:
        return Need(instrument.base, part.amount)
    price = part.price if order.price is None else order.price
    return Need(instrument.quote, part.amount * price)


def _fill_all(tx: Transaction, floor: Floor, orders: Iterable[OrderRow]) -> None:
    due: list[tuple[int, int, OrderRow]] = []  # when, the order's number, and the order
    for order in orders:
        at = _touch(floor, order)
        if at is None:
            _note_progress(tx, floor, order)
        else:
            due.append((at, order.number, order))
    heapify(due)
    for _ in range(FILLS_AT_ONCE):
        if not due:
            return
        at, number, order = heappop(due)
        order = fill(tx, floor, order, _offered(floor, order, at), at)
        again = _touch(floor, order) if order.is_open else None
        if again is not None:
            heappush(due, (again, number, order))


def _touch(floor: Floor, order: OrderRow) -> int | None:
    side, limit = Side(order.side), _limit(order)
    return floor.market.first_touch(order.symbol, side, limit, (order.settled_ms, floor.now))


def _offered(floor: Floor, order: OrderRow, at: int) -> Level:
    """What the book holds for the order, at its own limit: it was there first."""
    side, limit = Side(order.side), _limit(order)
    levels = floor.market.levels(order.symbol, side, at)
    taken = walk(levels, side, order.amount - order.filled, limit)
    return Level(limit, sum((part.amount for part in taken), Decimal(0)))


def _limit(order: OrderRow) -> Decimal:
    if order.price is None:
        raise LookupError(f"order {order.number} rests without a limit")
    return order.price


def _note_progress(tx: Transaction, floor: Floor, order: OrderRow) -> None:
    if floor.now - order.settled_ms > PROGRESS_MS:
        tx.put(ORDERS, replace(order, settled_ms=floor.now))


def _record(tx: Transaction, order: OrderRow, part: Level, fee: Decimal, at: int) -> None:
    account = account_of(tx)
    row = FillRow(
        number=account.next_fill,
        order_number=order.number,
        symbol=order.symbol,
        side=order.side,
        amount=part.amount,
        price=part.price,
        fee=fee,
        at_ms=at,
    )
    tx.put(FILLS, row)
    tx.put(ACCOUNT, replace(account, next_fill=account.next_fill + 1))
