"""The servers, started once for all probes of a test process."""

from collections.abc import Iterator

import pytest

from tests.differential.servers import BANYAN, OTHERS, Target, targets


@pytest.fixture(scope="session")
def banyans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, ...]]:
    """gunicorn, and `banyan serve` before the same app in process, as a process and remote."""
    with targets(tmp_path_factory.mktemp("banyans"), BANYAN) as running:
        yield running


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, ...]]:
    """gunicorn, and the gateway under servers that it does not start itself."""
    with targets(tmp_path_factory.mktemp("others"), tuple(OTHERS)) as running:
        yield running
