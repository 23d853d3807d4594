"""Where backtests are worked on: in processes of their own, never on the event loop."""

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_process, to_thread

from shared_services.errors import BacktestsBusy

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SMALL: Final = 2_000  # bars that are done sooner than a process is told about them
MAX_WAITING: Final = 32  # each with the prices of its request in memory


class Pool:
    """At most `workers` processes at a time; they start when needed and end with the loop.

    A caller that is cancelled ends its process.
    """

    def __init__(self, workers: int) -> None:
        self._limiter = CapacityLimiter(workers)

    async def run(self, function: Callable[[*Ts], T], *args: *Ts, bars: int) -> T:
        """`function(*args)`, of importable names; raises what it raises, or BacktestsBusy."""
        if bars <= SMALL:
            return await to_thread.run_sync(function, *args)
        if self._limiter.statistics().tasks_waiting >= MAX_WAITING:
            raise BacktestsBusy(f"Too many backtests are waiting: at most {MAX_WAITING}")
        return await to_process.run_sync(function, *args, cancellable=True, limiter=self._limiter)
