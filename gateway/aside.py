"""Work that may block, beside the loop: a store that says nothing, a disk that is a dead mount."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import to_thread

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


async def aside(work: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
    """The outcome of `work`, from a thread; who is cancelled does not wait for it."""
    return await to_thread.run_sync(work, *arguments, abandon_on_cancel=True)
