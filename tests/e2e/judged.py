"""A gateway with two workers and a control plane that judges, and a crowd of clients that asks."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.failing import SWITCH
from tests.e2e.planes import Plane, control, shell
from tests.e2e.processes import banyan, wait
from tests.e2e.validated import validated
from tests.fleet.hosts import SECRET, Host, applied_at
from tests.postgres import Server

ROUTE = "GET /api/positions"
STACKS = {"BANYAN_LEGACY": "tests.e2e.failing:legacy", "BANYAN_MODERN": "tests.e2e.failing:modern"}
ENVIRON = {"BANYAN_SECRET": SECRET, "BANYAN_GRACE": "5", "BANYAN_LAME_DUCK": "0"}
MARK = "GET /mark"  # legacy's, and the split says so: it counts as evidence
WORKERS = 2
Seen = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """A gateway host, and a control plane of its store."""

    host: Host
    plane: Plane

    def run(self, *command: str) -> str:
        """What a command prints that asks the control plane."""
        environ = {"BANYAN_SERVER": self.plane.url, "BANYAN_TOKEN": self.plane.root}
        return shell(self.host.folder, *command, COLUMNS="200", **environ)

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """The JSON of a request that must succeed."""
        answer = self.plane.ask(method, path, body, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def evidence(self, route: str = ROUTE) -> Any:
        return self.ask("GET", "/evidence", params={"route": route})

    def made_by(self, actor: str) -> list[Seen]:
        """The plan versions of an actor, the oldest first."""
        found = self.ask("GET", "/versions?limit=500")["items"][::-1]
        return [one for one in found if one["actor"] == actor]

    def split(self, route: str = ROUTE) -> float:
        """As the plan in force has it."""
        rules = self.ask("GET", "/plan")["plan"]["routes"]
        return next(float(rule["modern"]) for rule in rules if rule["route"] == route)

    def shift(self, percent: float, route: str = ROUTE) -> int:
        """Moves the split, and gives the version that does."""
        body = {"route": route, "modern": percent, "reason": "by hand"}
        return int(self.ask("PATCH", "/plan/routes", body)["version"])

    def fail(self, of_thousand: int) -> None:
        """So many of modern's clients get errors from now on; the file is replaced as a whole."""
        made = self.host.folder / f"{SWITCH}-new"
        made.write_text(str(of_thousand))
        made.rename(self.host.folder / SWITCH)

    def workers(self) -> dict[int, bool]:
        """By process id, whether it runs the newest version."""
        found = self.ask("GET", "/workers")
        return {
            one["pid"]: one["version"] == found["version"] for one in found["items"] if one["alive"]
        }

    def settled(self) -> None:
        """Every worker runs the newest version."""
        wait(lambda: list(self.workers().values()) == [True] * WORKERS)

    def all_told(self) -> None:
        """What the workers have seen until now is in the store: each tells all at once, in its order."""
        marks, reached = self._marks(), set[int]()
        while reached != set(self.workers()):
            answer = httpx.get(f"{self.host.url}/mark", timeout=20)
            reached.add(answer.json()["process"])
            marks += 1
        wait(lambda: self._marks() == marks)

    def _marks(self) -> int:
        return int(self.evidence(MARK)["legacy"]["requests"])

    def live(self, version: int) -> list[float]:
        """When each worker began to run a version, in seconds since 1970."""
        found: dict[int, float] = {}
        for one in self.host.events("plan.applied"):
            if one["version"] == version:
                found.setdefault(one["process"], applied_at(one))
        return list(found.values())


@contextmanager
def store(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty store, `sqlite` or `postgres`."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/shared.db"
        return
    server: Server = request.getfixturevalue("postgres_server")
    with server.database("judged") as url:
        yield url


def plan(*rules: str) -> str:
    """A gradual plan with such rules, each as `GET /who, modern: 5`, and with a route for `all_told`."""
    written = [f"  - {{route: {one}}}" for one in (*rules, f"{MARK}, modern: 0")]
    return "\n".join(["phase: gradual", "routes:", *written, ""])


@contextmanager
def up(folder: Path, text: str, **environ: str) -> Iterator[Judged]:
    """`banyan up`: both in one start, over a SQLite file."""
    with gateway(folder, text, "up", **environ) as host:
        found = Judged(host, Plane(host.running))
        found.settled()
        yield found


@contextmanager
def apart(folder: Path, url: str, text: str, **environ: str) -> Iterator[Judged]:
    """`banyan serve` and `banyan control`, over a store."""
    environ = {"BANYAN_STORE": url, **environ}
    with ExitStack() as stack:
        host = stack.enter_context(gateway(folder / "host", text, **environ))
        plane = control(folder / "control", **ENVIRON, **environ)
        found = Judged(host, Plane(stack.enter_context(plane)))
        found.settled()
        yield found


@contextmanager
def gateway(folder: Path, text: str, command: str = "serve", **environ: str) -> Iterator[Host]:
    """With two workers, over the apps that fail; `environ` may name other ones."""
    folder.mkdir(exist_ok=True)
    (folder / "traffic.yaml").write_text(text)
    arguments = (command, "--workers", f"{WORKERS}", "--access-log", "access.log")
    with banyan(folder, *arguments, **validated({**ENVIRON, **STACKS, **environ})) as running:
        yield Host("host", folder, running, running.url("gateway"))


def assert_no_event(evidence: Any, planted: dict[str, int] | None = None) -> None:
    """Nothing speaks against modern, nor against legacy, but what was planted."""
    for stack in ("legacy", "modern"):
        events = evidence[stack]["events"]
        assert events["error"] == (planted or {}).get(stack, 0), evidence
        assert events["client_error"] == 0, evidence
    assert evidence["verdict"] != "worse"
    assert [one for one in evidence["signals"] if one["verdict"] == "worse"] == []
    assert evidence["latch"] is None


class Crowd:
    """Clients that ask without an end, each time as somebody else, until they are told to stop."""

    def __init__(self, url: str, asked: str = ROUTE, clients: int = 4, pause: float = 0.02) -> None:
        self.served: Counter[str] = Counter()
        self.failed: list[str] = []
        self.slowest = 0.0  # seconds of an answer
        self._url, (self._method, self._path) = url, asked.split(" ")
        self._over = threading.Event()
        self._clients, self._pause = clients, pause
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(clients)]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def answered(self) -> int:
        return self.served.total()

    def until(self, more: int, stack: str = "") -> None:
        """Until `more` requests more are answered, by `stack` if it is named."""
        wanted = self._count(stack) + more
        wait(lambda: self._count(stack) >= wanted, 60)

    def _count(self, stack: str) -> int:
        return self.served[stack] if stack else self.answered

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while not self._over.wait(self._pause):
                number += self._clients
                headers = {"X-API-Key": f"client-{number}"}
                try:
                    answer = client.request(self._method, self._path, headers=headers)
                except httpx.TransportError as error:
                    self.failed.append(repr(error))
                    continue
                stack = answer.headers.get("x-served-by", "nobody")
                self.slowest = max(self.slowest, answer.elapsed.total_seconds())
                if answer.status_code != 200 or answer.json() != {"stack": stack}:
                    self.failed.append(f"{answer.status_code} {answer.text}")
                self.served[stack] += 1
