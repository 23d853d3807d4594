"""The servers that the benchmarks of scale compare: the gateway, and its apps without it."""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from benchmarks.ports import free_port
from benchmarks.servers import Program, Server, running

LEGACY, MODERN = "benchmarks.legacy_app:legacy", "benchmarks.modern_app:modern"
PATH: Final = "/json"
BODY: Final = b'{"hello":"world"}'
IDLE: Final = "300"  # seconds that every server keeps an idle connection
_ROUTES: Final = (f"GET {PATH}", "GET /stack")
_PLAN: Final = "phase: gradual\nroutes:\n"


@contextmanager
def gateway(
    name: str, folder: Path, percent: int, *flags: str, routes: tuple[str, ...] = _ROUTES
) -> Iterator[Server]:
    """With `percent` of the routes at modern; later `flags` win, so that they may name other apps."""
    own, port = folder / name.replace(" ", "-"), free_port()
    own.mkdir()
    rules = "".join(f"  - {{route: {route}, modern: {percent}}}\n" for route in routes)
    (own / "traffic.yaml").write_text(_PLAN + rules)
    command = ["gateway.cli", "serve", "--port", str(port), "--access-log", os.devnull]
    command += ["--keep-alive", IDLE, "--legacy", LEGACY, "--modern", MODERN, *flags]
    with _server(name, port, command, own) as server:
        yield server


def uvicorn(folder: Path, app: str = MODERN, workers: int = 1) -> AbstractContextManager[Server]:
    port = free_port()
    command = ["uvicorn", app, "--port", str(port), "--http", "httptools", "--loop", "uvloop"]
    command += ["--no-access-log", "--timeout-keep-alive", IDLE, "--workers", str(workers)]
    return _server("uvicorn + FastAPI", port, command, folder)


def gunicorn(folder: Path, app: str = LEGACY, workers: int = 1) -> AbstractContextManager[Server]:
    port = free_port()
    command = ["gunicorn", app, "-b", f"127.0.0.1:{port}", "-k", "gthread", "--threads", "40"]
    command += ["--workers", str(workers), "--keep-alive", IDLE, "--worker-connections", "4000"]
    command += ["--no-control-socket", "--log-level", "warning"]
    return _server("gunicorn gthread + Flask", port, command, folder)


def raise_open_files(wanted: int) -> None:
    """This process's limit and that of those it starts; raises SystemExit if the machine forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"{wanted} open files are needed, {hard} allowed (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _server(
    name: str, port: int, command: list[str], folder: Path
) -> AbstractContextManager[Server]:
    """`python -m command`; what it says is shown if it fails."""
    log = folder / f"{port}.log"
    return running(name, port, Program([sys.executable, "-m", *command], folder, log=log), PATH)
