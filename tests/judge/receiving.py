"""Who is told: a real HTTP server on the loopback, commands in a folder, and a notifier over a store."""

import base64
import json
import shlex
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from gateway.judge.notifier import Notifier
from gateway.store.opening import Store, open_store
from gateway.store.tables import NOTICES
from tests.stacks import settings

ROUTE = "GET /who"
KEY = b"0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
TOLD = {"from": 5, "to": 0, "reason": "E = 123 >= 100; £ and →"}
KEEP = "open('got', 'ab').write(sys.stdin.buffer.read() + b'\\n')"


@dataclass
class Got:
    """A request that the receiver has got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """Takes what comes with the statuses it is told to give, the last one again and again; 0 is no answer."""

    statuses: list[int] = field(default_factory=lambda: [200])
    got: list[Got] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)
    answered: bytes = b""
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["content-length"])
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.got.append(Got(handler.path, headers, handler.rfile.read(length)))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == 0:
            self.let_go.wait(30)
            return
        handler.send_response(status)
        if status == 307:
            handler.send_header("location", f"{self.url}/elsewhere")
        handler.end_headers()
        handler.wfile.write(self.answered)


@contextmanager
def receiving(receiver: Receiver) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.answer(self)

        def log_message(self, *_: object) -> None:
            """Not where tests print."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        yield receiver.url
    finally:
        receiver.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Desk:
    """A notifier over a store of its own."""

    store: Store
    folder: Path
    url: str
    leads: bool = True

    def notifier(self, **chosen: object) -> Notifier:
        usual = {"webhook": f"{self.url}/hear?token=hidden-in-the-url", "webhook_secret": SECRET}
        read = settings(self.folder, **{**usual, **chosen})
        return Notifier(self.store.notices, read, lambda: self.leads)

    def told(self, *kinds: str) -> None:
        for kind in kinds or ("rollback",):
            self.store.notices.add(kind, ROUTE, TOLD)

    def rows(self) -> list[Any]:
        with self.store.database.reading() as connection:
            return list(connection.execute(sa.select(NOTICES).order_by(NOTICES.c.id)))

    def row(self) -> Any:
        (found,) = self.rows()
        return found

    def wait_is_over(self) -> None:
        """As if the time to the next try had passed."""
        with self.store.database.writing() as connection:
            connection.execute(sa.update(NOTICES).where(NOTICES.c.due.is_not(None)).values(due=0))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    with receiving(found):
        yield found


@pytest.fixture
def desk(tmp_path: Path, receiver: Receiver) -> Iterator[Desk]:
    store = open_store(f"sqlite:///{tmp_path}/banyan.db")
    yield Desk(store, tmp_path, receiver.url)
    store.close()


def command(folder: Path, code: str, *arguments: str) -> str:
    """A hook that runs Python in `folder`."""
    script = folder / "hook.py"
    script.write_text(f"import json, os, sys, time\nos.chdir({str(folder)!r})\n{code}\n")
    return shlex.join([sys.executable, str(script), *arguments])


def kept(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "got").read_bytes().splitlines()]


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not true():
            await anyio.sleep(0.01)
