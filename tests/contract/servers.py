"""Real servers on free ports."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import httpx

from benchmarks.ports import free_port

ROOT = Path(__file__).parents[2]
DEADLINE = 20.0  # seconds for a start on a busy machine

GUNICORN = ("gunicorn", "legacy_flask.wsgi:app", "--threads=8", "--bind=127.0.0.1:{port}")
UVICORN = ("uvicorn", "fastapi_app.asgi:app", "--port={port}")


@contextmanager
def server(
    command: tuple[str, ...], store: Path
) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """A running server over the SQLite file `store`, a client for it, and its process."""
    with server_over(f"sqlite:///{store}", command, store.parent) as running:
        yield running


@contextmanager
def server_over(
    url: str, command: tuple[str, ...], folder: Path, **environment: str
) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """The same over any store; its log goes to `folder`."""
    port, log = free_port(), folder / f"{command[0]}.log"
    arguments = [part.format(port=port) for part in command]
    with (
        log.open("wb") as errors,
        start(arguments, errors, TRADING_STORE=url, **environment) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE) as client,
    ):
        try:
            until_it_answers(client, process, log)
            yield client, process
        finally:
            client.close()
            process.terminate()  # killed, uvicorn would leave its workers behind
            with suppress(subprocess.TimeoutExpired):
                process.wait(DEADLINE)
            process.kill()


def start(
    command: list[str], errors: int | IO[bytes], **environment: str
) -> subprocess.Popen[bytes]:
    """`command` as a module of this Python; what it writes to stderr goes to `errors`."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("TRADING_")}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=known | environment,
        stdout=subprocess.DEVNULL,
        stderr=errors,
    )


def until_it_answers(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + DEADLINE
    while process.poll() is None and time.monotonic() < end:
        try:
            client.get("/api/health")
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"no answer within {DEADLINE} s:\n{log.read_text()}")


def terminate(process: subprocess.Popen[bytes]) -> float:
    """Seconds from SIGTERM to the end of the process."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=DEADLINE)
    return time.monotonic() - began
