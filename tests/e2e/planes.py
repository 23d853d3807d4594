"""Control planes that really run, and how they are called."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.processes import BIN, ROOT, Running, banyan, started, wait

STACKS = ("--legacy", "tests.stacks:flask_app", "--modern", "tests.stacks:starlette_app")
SECRET = "planted-banyan-secret-0123456789"
ENVIRON = {"BANYAN_SECRET": SECRET, "BANYAN_GRACE": "2", "BANYAN_LAME_DUCK": "0"}


class Plane:
    """A control plane that runs, and how it is called."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.url = running.url("control")
        self.root = running.token
        parts = urlsplit(self.url)
        self.address = (parts.hostname or "", parts.port or 0)

    def ask(
        self, method: str, path: str, body: object = None, token: str | None = None, **more: Any
    ) -> httpx.Response:
        """As the first token's owner; with an empty token, as nobody."""
        token = self.root if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        sent: dict[str, Any] = {} if body is None else {"json": body}
        url = f"{self.url}/api/v1{path}"
        return httpx.request(method, url, headers=headers, timeout=10, **sent, **more)

    def token(self, role: str) -> tuple[str, str]:
        """Id and text of a new one."""
        told = self.ask("POST", "/tokens", {"name": role, "role": role}).json()
        return told["id"], told["token"]

    def raw(self, *lines: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and answer of a request that no client would send so."""
        head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
        with socket.create_connection(self.address, timeout=10) as connection:
            connection.sendall(head + body)
            answer = b""
            while part := connection.recv(65536):
                answer += part
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
        assert found is not None, answer
        return int(found[1]), answer

    def version(self) -> int:
        return int(self.ask("GET", "/plan").json()["version"])


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    folder = tmp_path_factory.mktemp("security")
    with banyan(folder, "up", *STACKS, **ENVIRON) as running:
        yield Plane(running)


@contextmanager
def control(folder: Path, *arguments: str, **environ: str) -> Iterator[Running]:
    """`banyan control` on a free port, ready to answer."""
    command = ("banyan", "control", "--control-port", "0", *arguments)
    with started(folder, *command, **environ) as running:
        wait(lambda: "plane is up" in running.errors or running.process.poll() is not None)
        assert running.process.poll() is None, running.errors
        yield running


def shell(folder: Path, *command: str, **environ: str) -> str:
    """Everything a command prints."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BANYAN_")}
    done = subprocess.run(
        [str(BIN / "banyan"), *command],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr
