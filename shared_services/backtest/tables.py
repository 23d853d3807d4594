"""What backtests keep in the store. Times in ms since 1970 UTC."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class BacktestRow:
    """`id` stands for the request, `number` for the order in which they were run."""

    id: str
    number: int
    strategy: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class BacktestResultRow:
    """`result` is JSON, and may be large: nobody reads it to find out what to remove."""

    id: str
    result: str


BACKTESTS: Final = Table("backtests", BacktestRow, key=("id",), indexes=(("number",),))
BACKTEST_RESULTS: Final = Table("backtest_results", BacktestResultRow, key=("id",))
