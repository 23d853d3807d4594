"""The paper account: transaction functions that open it, place orders and cancel them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from shared_services.exchange.model import Level, OrderRequest, OrderStatus
from shared_services.exchange.paper import wallet
from shared_services.exchange.paper.matching import check_numbers, need, walk
from shared_services.exchange.paper.settlement import (
    NAME,
    Floor,
    account_of,
    fill,
    open_orders,
    reserved_for,
    settle,
)
from shared_services.exchange.paper.tables import ACCOUNT, ORDERS, AccountRow, OrderRow
from shared_services.exchange.port import RefusedError, UnknownOrderError
from shared_services.storage import Reader, Transaction

MAX_OPEN_ORDERS: Final = 100


def open_account(tx: Transaction, balances: Mapping[str, Decimal], now: int) -> None:
    """Give a new account its starting balances; an existing one keeps what it has."""
    if tx.add(ACCOUNT, AccountRow(NAME, next_order=1, next_fill=1, latest_ms=now)):
        for currency, amount in balances.items():
            wallet.deposit(tx, currency, amount)


def place(tx: Transaction, floor: Floor, request: OrderRequest) -> OrderRow:
    """Fill what the book offers; the rest of a limit order rests, of a market order is canceled.

    A client id that is known already returns its order. Raises RefusedError.
    """
    known = by_client_id(tx, request.client_id)
    if known is not None:
        return known
    instrument = floor.market.instruments.get(request.symbol)
    if instrument is None:
        raise RefusedError(f"Unknown symbol: {request.symbol}")
    check_numbers(request, instrument)
    floor = settle(tx, floor)
    levels = floor.market.levels(request.symbol, request.side, floor.now)
    taken = walk(levels, request.side, request.amount, request.price)
    wallet.reserve(tx, need(request, instrument, taken))
    return _execute(tx, floor, _new_order(tx, floor, request), taken)


def cancel(tx: Transaction, floor: Floor, number: int) -> None:
    """Raises UnknownOrderError if there is no such order, or it is no longer open."""
    floor = settle(tx, floor)
    order = tx.get(ORDERS, number)
    if order is None or not order.is_open:
        raise UnknownOrderError(f"no open order {number}")
    _end(tx, floor, order)


def by_client_id(reader: Reader, client_id: str) -> OrderRow | None:
    return next(iter(reader.find(ORDERS, client_id=client_id, limit=1)), None)


def _new_order(tx: Transaction, floor: Floor, request: OrderRequest) -> OrderRow:
    account = account_of(tx)
    tx.put(ACCOUNT, replace(account, next_order=account.next_order + 1))
    return OrderRow(
        number=account.next_order,
        client_id=request.client_id,
        symbol=request.symbol,
        type=request.type,
        side=request.side,
        amount=request.amount,
        filled=Decimal(0),
        price=request.price,
        cost=Decimal(0),
        fee=Decimal(0),
        status=OrderStatus.OPEN,
        is_open=True,
        created_ms=floor.now,
        settled_ms=floor.now,
    )


def _execute(tx: Transaction, floor: Floor, order: OrderRow, taken: Iterable[Level]) -> OrderRow:
    for part in taken:
        order = fill(tx, floor, order, part, floor.now)
    if not order.is_open:
        return order
    if order.price is None:
        return _end(tx, floor, order)
    if len(open_orders(tx)) >= MAX_OPEN_ORDERS:
        raise RefusedError(f"At most {MAX_OPEN_ORDERS} orders may be open")
    tx.put(ORDERS, order)
    return order


def _end(tx: Transaction, floor: Floor, order: OrderRow) -> OrderRow:
    """Cancel what remains and release what was reserved for it."""
    rest = Level(order.price or Decimal(0), order.amount - order.filled)
    wallet.release(tx, reserved_for(order, floor.instrument(order), rest))
    order = replace(order, status=OrderStatus.CANCELED, is_open=False)
    tx.put(ORDERS, order)
    return order
