"""Callers that leave in the middle: the two ways in which a task is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from anyio import create_task_group, to_thread

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Leave(Protocol):
    async def __call__(
        self, work: Work, *, once: Callable[[], object], then: Callable[[], object] = ...
    ) -> None:
        """Start `work`, cancel it when `once` (run in a thread) returns, and call `then`."""
        ...


async def by_scope(
    work: Work, *, once: Callable[[], object], then: Callable[[], object] = lambda: None
) -> None:
    """As anyio cancels: again at each await, but not through a shield."""
    async with create_task_group() as tasks:
        tasks.start_soon(work)
        await to_thread.run_sync(once)
        tasks.cancel_scope.cancel()
        then()


async def by_task(
    work: Work, *, once: Callable[[], object], then: Callable[[], object] = lambda: None
) -> None:
    """As asyncio cancels: once, whatever is in the way."""
    task = asyncio.ensure_future(work())
    await to_thread.run_sync(once)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    then()
