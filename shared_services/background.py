"""Work that goes on beside the requests, as long as the services are open."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio

FIRST_DELAY: Final = 1.0  # seconds until what failed is started again, doubled up to the longest
LONGEST_DELAY: Final = 60.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def in_background(*works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run `works` on this loop until the block ends; they are cancelled, and waited for.

    One that fails is logged and started again. What the block raises comes out as it is.
    """
    raised: Exception | None = None
    async with anyio.create_task_group() as group:
        for work in works:
            group.start_soon(_keep_running, work)
        try:
            yield
        except Exception as error:
            raised = error
        group.cancel_scope.cancel()
    if raised is not None:
        raise raised


async def _keep_running(work: Callable[[], Awaitable[None]]) -> None:
    delay = FIRST_DELAY
    while True:
        began = anyio.current_time()
        try:
            await work()
        except Exception:
            _log.exception("background.failed work=%s", getattr(work, "__qualname__", work))
        if anyio.current_time() - began > LONGEST_DELAY:
            delay = FIRST_DELAY
        await anyio.sleep(delay)
        delay = min(2 * delay, LONGEST_DELAY)
