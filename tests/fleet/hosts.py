"""A fleet on one machine: gateway hosts with folders and ports of their own, on one store."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
from anyio.from_thread import start_blocking_portal

from gateway.control.app import create_control
from gateway.control.tokens import Role
from gateway.store.opening import open_store
from tests.controlling import As
from tests.e2e.processes import Running, banyan, wait
from tests.stacks import settings

SECRET = "one secret for the whole fleet"
STACKS = ("--legacy", "tests.stacks:flask_app", "--modern", "tests.stacks:starlette_app")
PLAN = "phase: gradual\nroutes:\n  - {route: GET /who, modern: 0}\n"


@dataclass
class Host:
    """One gateway: `banyan serve` with two workers."""

    name: str
    folder: Path
    running: Running
    url: str

    def events(self, event: str) -> list[dict[str, Any]]:
        """What its workers logged under a name."""
        lines = self.running.errors.splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and event in line]
        return [one for one in found if one["event"] == event]

    def exchanges(self) -> list[dict[str, Any]]:
        """Its access log."""
        path = self.folder / "access.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def host(parent: Path, name: str, store: str, workers: int = 2) -> Iterator[Host]:
    """A gateway host, ready; its folder may be one that it had before."""
    folder = parent / name
    folder.mkdir(exist_ok=True)
    (folder / "traffic.yaml").write_text(PLAN)
    arguments = ("serve", *STACKS, "--workers", str(workers), "--access-log", "access.log")
    environ = {"BANYAN_STORE": store, "BANYAN_SECRET": SECRET, "BANYAN_GRACE": "5"}
    with banyan(folder, *arguments, **environ) as running:
        yield Host(name, folder, running, running.url("gateway"))


@dataclass
class Fleet:
    """Hosts, and an operator who needs none of them."""

    hosts: list[Host]
    operator: "Operator"
    applied: dict[int, float] = field(default_factory=dict)  # version → when the store took it

    def shift(self, percent: float) -> int:
        """Sets the split, and gives the version that it made."""
        body = {"route": "GET /who", "modern": percent, "reason": "a step"}
        answer = self.operator.ask("PATCH", "/plan/routes", body)
        self.applied[answer["version"]] = answer["at"]
        return int(answer["version"])

    def workers(self) -> dict[str, Any]:
        found: dict[str, Any] = self.operator.ask("GET", "/workers")
        return found

    def converged(self, alive: int) -> bool:
        """Every worker lives and runs the newest version."""
        workers = self.workers()
        return bool(workers["alive"] == workers["current"] == alive)


@contextmanager
def fleet(parent: Path, store: str, size: int) -> Iterator[Fleet]:
    """`size` hosts with two workers each; all beat."""
    with ExitStack() as stack:
        hosts = [stack.enter_context(host(parent, f"host-{n}", store)) for n in range(size)]
        found = Fleet(hosts, stack.enter_context(closing(Operator(parent, store))))
        wait(lambda: found.converged(2 * size), 60)
        yield found


class Operator:
    """Somebody on a machine that runs no gateway: only the store is known there."""

    def __init__(self, parent: Path, store: str) -> None:
        chosen = settings(parent / "operator", store=store, secret=SECRET, legacy=None, modern=None)
        self._store = open_store(store)
        self._app = As(create_control(chosen, self._store), Role.OPERATOR)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of a request that must succeed."""
        answer = self.try_to(method, path, body)
        assert answer.is_success, answer.text
        return answer.json()

    def try_to(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Whatever the answer is."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                return await http.request(method, f"/api/v1{path}", json=body)

        with start_blocking_portal() as portal:
            return portal.call(send)

    def close(self) -> None:
        self._store.close()


def applied_at(one: dict[str, Any]) -> float:
    """When a worker logged something, in seconds since 1970."""
    return datetime.fromisoformat(one["timestamp"]).timestamp()


@dataclass
class Load:
    """Clients that keep asking; what was not answered with 200 is kept."""

    urls: list[str]
    answered: int = 0
    failures: list[str] = field(default_factory=list)

    async def run(self, clients: int = 8, pause: float = 0.02) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tasks:
            for number in range(clients):
                tasks.start_soon(self._client, number, pause)

    async def _client(self, number: int, pause: float) -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            turn = number
            while True:
                turn += 1
                url = self.urls[turn % len(self.urls)]
                try:
                    answer = await client.get(f"{url}/who", headers={"X-API-Key": f"c{turn % 97}"})
                except httpx.HTTPError as error:
                    self.failures.append(f"{url}: {error!r}")
                else:
                    self.answered += 1
                    if answer.status_code != 200:
                        self.failures.append(f"{url}: {answer.status_code}")
                await anyio.sleep(pause)


@asynccontextmanager
async def under(load: Load) -> AsyncIterator[None]:
    """Load while the block runs."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(load.run)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
