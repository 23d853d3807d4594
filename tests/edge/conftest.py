"""One edge in this process for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.edge.inside import Apps, Edge, edge
from tests.edge.wire import Client, connected


@pytest.fixture(scope="module")
def running() -> Iterator[Edge]:
    apps = Apps()
    with edge(apps) as (port, server):
        yield Edge(port, server, apps)


@pytest.fixture
def served(running: Edge) -> Edge:
    """With nothing remembered of other tests."""
    running.apps.scopes.clear()
    running.apps.handlers.clear()
    return running


@pytest.fixture
def client(served: Edge) -> Iterator[Client]:
    with connected(served.port) as one:
        yield one
