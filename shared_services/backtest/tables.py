"""What backtests keep in the store. Times in ms since 1970 UTC."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """`result` is the answer as JSON, exact; `id` stands for the request."""

    id: str
    strategy: str
    created_ms: int
    result: str


BACKTESTS: Final = Table("backtests", BacktestRow, key=("id",), indexes=(("created_ms",),))
