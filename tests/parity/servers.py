"""The targets: the naive port, the port with the kit, and that port behind Banyan; each beside gunicorn."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.differential.servers import TWIN, Target, gunicorn
from tests.e2e.processes import Running, banyan, started, wait

NAIVE: Final = "naive"
KIT: Final = "kit"
BEHIND: Final = "kit behind banyan"
TARGETS: Final = (NAIVE, KIT, BEHIND)
PORTS: Final = {NAIVE: "tests.parity.naive:app", KIT: "tests.parity.port:app"}
_UVICORN: Final = ("uvicorn", "--port", "0", "--no-access-log", "--no-proxy-headers")
_LISTENING: Final = re.compile(r"running on http://127\.0\.0\.1:(\d+)")
_PLAN: Final = """\
phase: gradual
defaults:
  modern: 100
  failover: never
routes: []
"""


@contextmanager
def alone(folder: Path, name: str) -> Iterator[Target]:
    """A port under uvicorn with httptools."""
    command = (*_UVICORN, "--http", "httptools", PORTS[name])
    with started(folder, *command) as running:
        yield Target(name, _port(running), gateway=False)


@contextmanager
def behind(folder: Path, name: str) -> Iterator[Target]:
    """`banyan serve`: the twin is legacy, the port with the kit modern, every route at 100 %.

    Probes ask for errors, and so many that breakers would send them to legacy: there are none.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_NO_BREAKERS)
    (folder / "traffic.yaml").write_text(_PLAN)
    with banyan(folder, "serve", **_SETTINGS) as running:
        yield Target(name, int(running.url("gateway").rsplit(":", 1)[1]))


@contextmanager
def targets(folder: Path, names: Sequence[str] = TARGETS) -> Iterator[tuple[Target, ...]]:
    """gunicorn with the twin first, then those named.

    One after the other: four at once may be too slow for the deadline of each on a busy machine.
    """
    with ExitStack() as stack:
        opened = [gunicorn(folder / "gunicorn"), *(_target(folder, name) for name in names)]
        yield tuple(stack.enter_context(target) for target in opened)


def named(running: Sequence[Target], name: str) -> Target:
    return next(target for target in running if target.name == name)


def _target(folder: Path, name: str) -> AbstractContextManager[Target]:
    start = behind if name == BEHIND else alone
    return start(folder / name.replace(" ", "-"), name)


def _port(running: Running) -> int:
    wait(lambda: _LISTENING.search(running.errors) or running.process.poll() is not None)
    found = _LISTENING.search(running.errors)
    assert found is not None, running.errors
    return int(found[1])


_NO_BREAKERS: Final = """\
from gateway.judge import breaker

breaker.IN_A_ROW = breaker.ENOUGH = 10**9
"""
_SETTINGS: Final = {
    "BANYAN_LEGACY": TWIN,
    "BANYAN_MODERN": PORTS[KIT],
    "BANYAN_ACCESS_LOG": "",
    "BANYAN_LAME_DUCK": "0",  # no load balancer has to notice that it stops
}
