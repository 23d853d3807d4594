"""docs/fleet.md, what no other test proves: connections, ConfigMaps, restored backups, rights.

One fleet of two hosts, with a worker each, serves the whole file: each test goes on from the version it finds.
"""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.control.tokens import Role, make
from gateway.store.errors import StoreUnavailable
from gateway.store.evidence import Count, Event, Sighting
from gateway.store.opening import Store, open_store
from gateway.store.ramps import Kept
from gateway.store.tokens import Tokens
from gateway.store.versions import Proposal
from gateway.store.workers import Past
from tests.e2e.processes import ROOT, wait
from tests.fleet.hosts import PLAN, Fleet, Host, Operator, host
from tests.postgres import Server, run
from tests.store.acts import ACT, beat

pytestmark = pytest.mark.e2e
PAGE = (ROOT / "docs/fleet.md").read_text()
EDITED = PLAN + "  - {route: POST /echo, modern: 10}\n"
NAME = "fleetpage"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two hosts; the first one's connections have a name of their own."""

    server: Server
    folder: Path
    found: Fleet

    @property
    def newest(self) -> dict[str, Any]:
        version: dict[str, Any] = self.found.operator.ask("GET", "/versions?limit=1")["items"][0]
        return version

    def split(self, route: str) -> float:
        """As the plan in force has it."""
        rules = self.found.operator.ask("GET", "/plan")["plan"]["routes"]
        return next(float(rule["modern"]) for rule in rules if rule["route"] == route)

    def settled(self, alive: int = 2) -> None:
        wait(lambda: self.found.converged(alive), 30)

    def sessions(self, name: str) -> int:
        """Connections of who calls itself so."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        with psycopg.connect(
            f"host={self.server.folder} user=postgres dbname={NAME}"
        ) as connection:
            row = connection.execute(query, (name,)).fetchone()
            assert row is not None
            return int(row[0])


@pytest.fixture(scope="module")
def pair(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("fleet")
    with postgres_server.database(NAME) as store, ExitStack() as stack:
        urls = (f"{store}&application_name=first", store)
        hosts = [
            stack.enter_context(host(folder, f"host-{n}", url, 1)) for n, url in enumerate(urls)
        ]
        operator = stack.enter_context(closing(Operator(folder, store)))
        found = Pair(postgres_server, folder, Fleet(hosts, operator))
        found.settled()
        yield found


def applied_here(one: Host) -> str:
    """The text that a host has applied last from its file."""
    text: str = json.loads((one.folder / "var/plan-file.json").read_text())["text"]
    return text


def test_a_worker_takes_at_most_four_connections(pair: Pair) -> None:
    told = re.search(r"^\| connections of a worker \|[^|]*\| (\d+):", PAGE, re.MULTILINE)
    assert told is not None
    seen = []
    for number in range(12):
        pair.found.shift(30 + number)
        seen.append(pair.sessions("first"))
    pair.settled()
    assert 2 <= max(*seen, pair.sessions("first")) <= int(told[1])


def test_hosts_whose_files_change_at_different_times_make_one_version_and_undo_nothing(
    pair: Pair,
) -> None:
    first, second = pair.found.hosts
    before = pair.found.shift(25)
    (first.folder / "traffic.yaml").write_text(EDITED)
    wait(lambda: pair.newest["version"] == before + 1)
    assert (pair.split("GET /who"), pair.split("POST /echo")) == (25, 10)
    body = {"route": "POST /echo", "modern": 20, "reason": "by command, after the file"}
    pair.found.operator.ask("PATCH", "/plan/routes", body)
    (second.folder / "traffic.yaml").write_text(EDITED)
    wait(lambda: applied_here(second) == EDITED)
    pair.settled()
    assert pair.newest["version"] == before + 2
    assert (pair.split("GET /who"), pair.split("POST /echo")) == (25, 20)
    assert first.events("plan.refused") == second.events("plan.refused") == []


def test_a_new_pod_with_an_old_file_undoes_nothing(pair: Pair) -> None:
    before = pair.newest
    with host(pair.folder, "new-pod", pair.server.url(NAME), 1) as pod:
        assert applied_here(pod) == PLAN
        pair.settled(alive=3)
        assert [one["version"] for one in pod.events("plan.applied")] == [before["version"]]
    assert pair.newest == before


def test_a_store_restored_from_an_old_backup_gets_the_newest_plan_back(pair: Pair) -> None:
    dump = pair.server.folder / "dump"
    kept = pair.found.shift(40)
    postgres(pair, "pg_dump", "--format", "custom", "--file", str(dump), NAME)
    newest = [pair.found.shift(percent) for percent in (41, 42)][-1]
    pair.settled()
    clean = ("--clean", "--if-exists", "--single-transaction")
    postgres(pair, "pg_restore", *clean, "--dbname", NAME, str(dump))
    wait(lambda: pair.newest["version"] == newest, 30)
    assert pair.split("GET /who") == 42
    lost = f"versions {kept + 1} to {newest} were lost with the store"
    assert (pair.newest["actor"], pair.newest["reason"]) == ("recovery", lost)
    assert pair.found.shift(43) == newest + 1
    pair.settled()


def postgres(pair: Pair, program: str, *arguments: str) -> None:
    found = shutil.which(program, path=pair.server.binaries)
    assert found is not None
    run(Path(found), "--host", str(pair.server.folder), "--username", "postgres", *arguments)


def test_workers_whose_heartbeats_were_lost_are_heard_again(pair: Pair) -> None:
    pair.settled()
    pair.server.execute("DELETE FROM workers; DELETE FROM inventories", database=NAME)
    pair.settled()
    wait(lambda: pair.found.operator.ask("GET", "/routes")["routes"], 10)


GRANTS = re.findall(r"^GRANT [^;]+;$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def rights(postgres_server: Server) -> Iterator[Server]:
    """A database `rights` whose owner has made the tables, and a user `app` who may nothing."""
    with postgres_server.database("rights") as owner:
        store = open_store(owner)
        assert store.versions.newest() == 0
        store.close()
        careful = "REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE ROLE app LOGIN"
        postgres_server.execute(careful, database="rights")
        yield postgres_server
        postgres_server.execute("DROP OWNED BY app", database="rights")
    postgres_server.execute("DROP ROLE app")


def grant(server: Server, grants: list[str]) -> None:
    """These and no others."""
    server.execute("DROP OWNED BY app", database="rights")
    for one in grants:
        server.execute(one, database="rights")


def test_the_rights_that_the_page_grants_are_enough(rights: Server) -> None:
    assert len(GRANTS) == 8
    grant(rights, GRANTS)
    use_everything(rights)


@pytest.mark.parametrize("left_out", GRANTS)
def test_no_grant_of_the_page_can_be_left_out(rights: Server, left_out: str) -> None:
    grant(rights, [one for one in GRANTS if one != left_out])
    with pytest.raises(StoreUnavailable, match="grant"):
        use_everything(rights)


def use_everything(server: Server) -> None:
    """What data planes, control planes and commands ask of a store, by the user `app`."""
    with closing(open_store(server.url("rights").replace("postgres@", "app@"))) as store:
        use_versions(store)
        use_tokens(Tokens(store.database))
        use_workers(store, server)
        use_judging(store)


def use_versions(store: Store) -> None:
    for _ in range(2):  # the second time the same file is known
        newest = store.versions.newest()
        store.versions.apply(newest, Proposal("phase: gradual\n", ACT, file="phase: gradual\n"))
    assert store.versions.file_known("phase: gradual\n")
    assert store.audit.lines(1)[0].actor == ACT.actor


def use_tokens(tokens: Tokens) -> None:
    _, token = make("ci", Role.VIEWER, ACT.actor, tokens.now(), None)
    tokens.add(token, ACT)
    assert tokens.revoke(token.id, ACT)


def use_workers(store: Store, server: Server) -> None:
    """Two are folded up, one after the other: what they counted is written, then added up."""
    store.workers.keep_inventory("i1", "{}")
    store.workers.keep_inventory("unused", "{}")
    store.workers.beat(beat("living", launch="h1:2"), first=True)
    for name in ("w1", "w2"):
        store.workers.beat(beat(name), first=True)
        store.workers.beat(beat(name, ended=True), first=False)
        server.execute(
            f"UPDATE workers SET seen = seen - 4000 WHERE id = '{name}'", database="rights"
        )
        assert store.workers.retire(lambda _: [Past("GET /who", "legacy", 1, 1.0)]) == 1
    server.execute("DELETE FROM workers", database="rights")


def use_judging(store: Store) -> None:
    """Each is written twice: the second time it is there already."""
    for _ in range(2):
        newest = store.versions.newest()
        along = store.standings.latch("GET /who", "guard", "worse")
        store.versions.apply(newest, Proposal("phase: gradual\n", ACT, along=along))
        count = Count("GET /who", newest + 1, "modern", 1000, 10, 1)
        event = Event("digest", "GET /who", newest + 1, "modern", 1000, "error")
        seen = Sighting("GET /who", "modern", "exception", "KeyError at shop", 1)
        store.evidence.add([count], [event], [seen])
        assert store.standings.acknowledge("GET /who", ACT).actor == ACT.actor
        kept = store.ramps.get("GET /who") or Kept("GET /who", 0, "{}")
        store.ramps.keep(kept, ACT)
    store.notices.add("ramp", "GET /who", {})
    for notice in store.notices.due():
        store.notices.tried(notice, {}, None)
    store.evidence.tidy()
    store.notices.tidy()
