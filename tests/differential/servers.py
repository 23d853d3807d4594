"""The targets: gunicorn with the twin app, and Banyan before the same app in three ways; and other servers."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.e2e.processes import Running, banyan, started, wait

TWIN: Final = "tests.differential.twin:app"
REFERENCE: Final = "gunicorn"
_LISTENING: Final = re.compile(r"(?:Listening at|running on):? http://127\.0\.0\.1:(\d+)")
_HOST: Final = "127.0.0.1"
BANYAN: Final = ("in process", "process", "remote")
_UVICORN: Final = ("uvicorn", "--port", "0", "--no-access-log", "--no-proxy-headers", "--http")
OTHERS: Final = {
    "uvicorn httptools": (*_UVICORN, "httptools"),
    "uvicorn h11": (*_UVICORN, "h11"),
    "gunicorn asgi": ("gunicorn", "-k", "asgi", "--no-control-socket", "--bind", f"{_HOST}:0"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who answers probes."""

    name: str
    port: int
    gateway: bool = True  # its answers pass through one, and say so

    @property
    def address(self) -> tuple[str, int]:
        return _HOST, self.port


@contextmanager
def gunicorn(folder: Path, name: str = REFERENCE) -> Iterator[Target]:
    """The twin under gunicorn's thread worker with its defaults."""
    command = ("gunicorn", "-k", "gthread", "--no-control-socket", "--bind", f"{_HOST}:0", TWIN)
    with started(folder, *command) as running:
        yield Target(name, _port(running), gateway=False)


@contextmanager
def gateway(folder: Path, name: str, legacy: str) -> Iterator[Target]:
    """`banyan serve` before the twin."""
    with banyan(folder, "serve", **_settings(legacy)) as running:
        yield Target(name, int(running.url("gateway").rsplit(":", 1)[1]))


@contextmanager
def other_server(folder: Path, name: str) -> Iterator[Target]:
    """The gateway's ASGI app under a server that is not ours."""
    with started(folder, *OTHERS[name], "gateway.asgi:app", **_settings(TWIN)) as running:
        yield Target(name, _port(running))


@contextmanager
def targets(folder: Path, names: Sequence[str]) -> Iterator[tuple[Target, ...]]:
    """gunicorn first, then those named, which are compared with it. All of them start at once."""
    with ExitStack() as stack:
        reference = stack.enter_context(gunicorn(folder / "gunicorn"))
        opened = [_target(folder / name.replace(" ", "-"), name, reference) for name in names]
        with ThreadPoolExecutor(len(names)) as pool:  # one that fails to start stops the others
            running = list(pool.map(stack.enter_context, opened))
        yield reference, *running


def _target(folder: Path, name: str, reference: Target) -> AbstractContextManager[Target]:
    if name in OTHERS:
        return other_server(folder, name)
    legacies = {
        "in process": TWIN,
        "process": f"process:{TWIN}",
        "remote": f"http://{_HOST}:{reference.port}",
    }
    return gateway(folder, name, legacies[name])


def _settings(legacy: str) -> dict[str, str]:
    return {
        "BANYAN_LEGACY": legacy,
        "BANYAN_FIRST_PLAN": "true",
        "BANYAN_ACCESS_LOG": "",
        "BANYAN_LAME_DUCK": "0",  # no load balancer has to notice that they stop
    }


def _port(running: Running) -> int:
    wait(lambda: _LISTENING.search(running.errors) or running.process.poll() is not None)
    found = _LISTENING.search(running.errors)
    assert found is not None, running.errors
    return int(found[1])
