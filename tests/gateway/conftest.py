"""Fixtures of the gateway's tests."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from gateway.stacks.wsgi.bridge import WSGIStack
from tests.stacks import settings


@pytest.fixture
async def make_stack(tmp_path: Path) -> AsyncIterator[Callable[..., WSGIStack]]:
    """Makes an ASGI app of a WSGI app by our bridge."""
    closing: list[Callable[[], None]] = []

    def make(app: Any, threads: int = 2, **changes: Any) -> WSGIStack:
        chosen = settings(tmp_path, wsgi_threads=threads, **changes)
        stack = WSGIStack(app, chosen, BlockingPortal(), {})
        closing.append(stack.close)
        return stack

    yield make
    for close in closing:
        close()
