"""The servers, started once for all tests of a process, and each probe sent once to all of them."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.differential.campaign import Outcome
from tests.differential.probes.probe import Probe
from tests.differential.servers import Target
from tests.parity.campaign import outcomes
from tests.parity.servers import targets

Asked = Callable[[Probe], tuple[Outcome, ...]]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each target has a folder with its `stderr.log`."""
    return tmp_path_factory.mktemp("parity")


@pytest.fixture(scope="session")
def running(folder: Path) -> Iterator[tuple[Target, ...]]:
    """gunicorn with the twin; the naive port, the port with the kit, and that behind Banyan."""
    with targets(folder) as started:
        yield started


@pytest.fixture(scope="session")
def asked(running: tuple[Target, ...]) -> Asked:
    """What came of a probe, for each target."""
    reference, *others = running
    return cache(lambda probe: tuple(outcomes(probe, reference, others)))
