"""What the paper exchange keeps in the store. Times are ms since 1970 UTC."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class AccountRow:
    """The one paper account: its counters, and the latest time at which anything happened."""

    name: str
    next_order: int
    next_fill: int
    latest_ms: int


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """`position` is the order in which currencies are reported."""

    currency: str
    position: int
    total: Decimal
    reserved: Decimal


@dataclass(frozen=True, slots=True)
class OrderRow:
    """`settled_ms`: up to here the order was matched against the market."""

    number: int
    client_id: str
    symbol: str
    type: str
    side: str
    amount: Decimal
    filled: Decimal
    price: Decimal | None
    cost: Decimal
    fee: Decimal
    status: str
    is_open: bool
    created_ms: int
    settled_ms: int


@dataclass(frozen=True, slots=True)
class FillRow:
    """`at_ms` is when it happened, which may be long before it was settled."""

    number: int
    order_number: int
    symbol: str
    side: str
    amount: Decimal
    price: Decimal
    fee: Decimal
    at_ms: int


ACCOUNT: Final = Table("paper_account", AccountRow, key=("name",))
BALANCES: Final = Table("paper_balances", BalanceRow, key=("currency",))
ORDERS: Final = Table(
    "paper_orders",
    OrderRow,
    key=("number",),
    indexes=(("client_id",), ("is_open", "number")),
)
FILLS: Final = Table("paper_fills", FillRow, key=("number",))
