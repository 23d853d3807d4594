"""What is kept of the orders that were sent to a live exchange."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class ClientIdRow:
    """`number` is what the exchange knows the order by, `client_id` what we do."""

    number: int
    client_id: str
    created_ms: int


CLIENT_IDS: Final = Table("client_ids", ClientIdRow, key=("number",))
