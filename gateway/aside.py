"""Work that may block, beside the loop: a store that says nothing, a disk that is a dead mount.

It has threads of its own: where an app's handlers take all others, a plan must still be changed.
"""

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
_THREADS: Final = 16
_limiter: Final = RunVar[CapacityLimiter]("banyan.aside")  # each loop's


async def aside(work: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
    """The outcome of `work`, from a thread; who is cancelled does not wait for it."""
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    return await to_thread.run_sync(work, *arguments, abandon_on_cancel=True, limiter=limiter)
