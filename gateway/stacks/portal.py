"""The way from a thread into the running loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.from_thread import BlockingPortal


@asynccontextmanager
async def portal() -> AsyncIterator[BlockingPortal]:
    """A portal into the running loop; what apps still run in it at the end is cancelled."""
    made = BlockingPortal()
    await made.__aenter__()
    try:
        yield made
    finally:  # told of no error: its task group would wrap a StackNotFound in an ExceptionGroup
        await made.stop(cancel_remaining=True)
        await made.__aexit__(None, None, None)
