"""What is kept of an API key in the store: never the key itself."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class NonceRow:
    """`key_id` is a hash of the key, `shown` what may be told of it: `***` and its last four.

    `mark` is the highest nonce any process ever got. `budget_us` (us since 1970 UTC) is when the
    budget of calls is whole again. `owner` has the turn until `until_ms`; `heir` gets the next one
    if it asks before `heir_until_ms`.
    """

    key_id: str
    shown: str
    mark: int
    total_requests: int
    first_ms: int
    last_request_ms: int
    budget_us: int
    owner: str
    until_ms: int
    heir: str
    heir_until_ms: int


NONCES: Final = Table("nonces", NonceRow, key=("key_id",))
