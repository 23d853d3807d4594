"""What the order service keeps in the store. Times in ms since 1970 UTC."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class OrderNoteRow:
    """What the exchange does not keep of an order; `symbol` is that of its price.

    The numbers are text: they are recorded exactly as sent, nothing is computed with them.
    """

    client_id: str
    symbol: str
    position_type: str
    leverage: str
    stop_loss: str | None
    take_profit: str | None
    client_order_id: str | None
    created_ms: int


@dataclass(frozen=True, slots=True)
class IdempotencyRow:
    """A key and what became of its first request.

    `answer` is the remembered answer as JSON; while it is missing, somebody works on the request
    until `lease_until_ms`, and after that its outcome is unknown.
    """

    key: str
    fingerprint: str
    client_id: str
    answer: str | None
    lease_until_ms: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """`owner` may be alone in the section `name` until `until_ms`."""

    name: str
    owner: str
    until_ms: int


ORDER_NOTES: Final = Table(
    "order_notes", OrderNoteRow, key=("client_id",), indexes=(("symbol", "created_ms"),)
)
IDEMPOTENCY: Final = Table(
    "idempotency_keys", IdempotencyRow, key=("key",), indexes=(("expires_ms",),)
)
LEASES: Final = Table("leases", LeaseRow, key=("name",))
