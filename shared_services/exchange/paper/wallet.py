"""The balances of the paper account: never negative, and never promised twice."""

from dataclasses import replace
from decimal import Decimal

from shared_services.exchange.model import Instrument, Level, Side
from shared_services.exchange.paper.matching import Need, fee_of, insufficient
from shared_services.exchange.paper.tables import BALANCES, BalanceRow
from shared_services.storage import Reader, Transaction


def balances(reader: Reader) -> list[BalanceRow]:
    return reader.find(BALANCES, order_by="position")


def deposit(tx: Transaction, currency: str, amount: Decimal) -> None:
    """Add `amount`, which is negative for a payment, to the total."""
    row = _row(tx, currency)
    tx.put(BALANCES, replace(row, total=row.total + amount))


def reserve(tx: Transaction, needed: Need) -> None:
    """Promise what an order needs to that order; raises RefusedError if it is not there."""
    row = _row(tx, needed.currency)
    if needed.amount > row.total - row.reserved:
        raise insufficient(needed, row.total - row.reserved)
    tx.put(BALANCES, replace(row, reserved=row.reserved + needed.amount))


def release(tx: Transaction, needed: Need) -> None:
    row = _row(tx, needed.currency)
    tx.put(BALANCES, replace(row, reserved=row.reserved - needed.amount))


def trade(
    tx: Transaction, instrument: Instrument, side: Side, part: Level, reserved: Need
) -> Decimal:
    """Exchange one part of an order out of what was reserved for it; the fee that was charged."""
    cost = part.price * part.amount
    release(tx, reserved)
    if side is Side.SELL:
        fee = fee_of(cost)
        deposit(tx, instrument.base, -part.amount)
        deposit(tx, instrument.quote, cost - fee)
        return fee
    cash = _row(tx, instrument.quote)
    # An order reserves its cost without the fee: what is left may be less than the fee.
    fee = min(fee_of(cost), cash.total - cash.reserved - cost)
    deposit(tx, instrument.quote, -cost - fee)
    deposit(tx, instrument.base, part.amount)
    return fee


def _row(reader: Reader, currency: str) -> BalanceRow:
    row = reader.get(BALANCES, currency)
    if row is None:
        return BalanceRow(currency, len(balances(reader)), total=Decimal(0), reserved=Decimal(0))
    return row
