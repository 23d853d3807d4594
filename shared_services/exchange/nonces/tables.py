"""What is kept of an API key in the store: never the key itself."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """`key_id` is a hash, `shown` its last four characters.

    `last_nonce` is the high-water mark of all processes; `free_at_us` (us since 1970 UTC) is when
    the key's budget of calls has room for the next one.
    """

    key_id: str
    shown: str
    last_nonce: int
    issued: int
    last_request_ms: int
    free_at_us: int


API_KEYS: Final = Table("api_keys", ApiKeyRow, key=("key_id",))
