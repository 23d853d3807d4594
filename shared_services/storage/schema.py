"""Every table there is; the migrations bring a store to exactly these."""

from typing import Any

from shared_services.exchange.paper import tables as paper
from shared_services.ledger import tables as ledger
from shared_services.orders import tables as orders
from shared_services.storage.port import Table

TABLES: tuple[Table[Any], ...] = (
    paper.ACCOUNT,
    paper.BALANCES,
    paper.ORDERS,
    paper.FILLS,
    ledger.BOOKED_FILLS,
    ledger.COST_BASES,
    ledger.DAILY_RESULTS,
    ledger.CURSORS,
    orders.ORDER_NOTES,
    orders.IDEMPOTENCY,
    orders.LEASES,
)
