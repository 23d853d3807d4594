"""These tests run on the loop that the gateway runs on; what differs on the other is tried on both."""

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}
