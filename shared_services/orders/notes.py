"""What we keep of an order beside the exchange, and both put together."""

from collections.abc import Collection

from shared_services.exchange.model import ExchangeOrder, PositionType
from shared_services.numbers import plain
from shared_services.orders.model import ClosedOrder, Order, Submission
from shared_services.orders.tables import ORDER_NOTES, OrderNoteRow
from shared_services.storage import Reader, Transaction
from shared_services.symbols import pricing_symbol


def note_of(submission: Submission, client_id: str, now: int) -> OrderNoteRow:
    command = submission.command
    return OrderNoteRow(
        client_id=client_id,
        symbol=pricing_symbol(command.symbol),
        position_type=command.position_type,
        leverage=plain(command.leverage),
        stop_loss=None if command.stop_loss is None else plain(command.stop_loss),
        take_profit=None if command.take_profit is None else plain(command.take_profit),
        client_order_id=submission.client_order_id,
        created_ms=now,
    )


def write(tx: Transaction, note: OrderNoteRow) -> None:
    """Before the order is sent: a crash in between must not lose it."""
    tx.put(ORDER_NOTES, note)


def is_written(reader: Reader, client_id: str) -> bool:
    return reader.get(ORDER_NOTES, client_id) is not None


def remove(tx: Transaction, note: OrderNoteRow) -> None:
    """The order does not exist after all."""
    tx.delete(ORDER_NOTES, note.client_id)


def annotate(order: ExchangeOrder, note: OrderNoteRow | None) -> Order:
    """An order that somebody else placed has no note: it counts as spot."""
    return Order(
        id=order.id,
        symbol=order.symbol,
        type=order.type,
        side=order.side,
        amount=order.amount,
        filled=order.filled,
        remaining=order.remaining,
        price=order.average if order.price is None else order.price,
        status=order.status,
        position_type=PositionType(note.position_type) if note else PositionType.SPOT,
        timestamp=order.timestamp,
        client_order_id=note.client_order_id if note else None,
    )


def annotated(reader: Reader, orders: Collection[ExchangeOrder]) -> list[Order]:
    return [
        annotate(order, reader.get(ORDER_NOTES, order.client_id) if order.client_id else None)
        for order in orders
    ]


def closed(order: ExchangeOrder) -> ClosedOrder:
    return ClosedOrder(
        id=order.id,
        symbol=order.symbol,
        order_type=order.type,
        side=order.side,
        amount=order.amount,
        filled=order.filled,
        remaining=order.remaining,
        price=order.average if order.price is None else order.price,
        cost=order.cost,
        fee=order.fee,
        status=order.status,
        timestamp=order.timestamp,
    )
