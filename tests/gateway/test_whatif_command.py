"""`banyan whatif`: who would move, as workers tell it and as access logs do."""

import gzip
import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import time

import pytest

from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import write_inventory
from gateway.store.audit import Act
from gateway.store.opening import open_store
from gateway.store.versions import Proposal
from gateway.store.workers import Beat
from tests.gateway import test_cli

Shell = test_cli.Shell
shell = test_cli.shell

WHO, ITEMS, OLD = (
    Endpoint("GET", "/who"),
    Endpoint("GET", "/items/{n:int}"),
    Endpoint("GET", "/old"),
)
PLAN = """\
phase: {phase}
routes:
  - {{route: GET /who, modern: 10}}
  - {{route: GET /items/{{n:int}}, modern: 0, cohort: other}}
"""
NOW = 1_795_600_000.0
Log = Callable[..., Path]


def line(route: str, bucket: int, at: float = NOW) -> str:
    told = {"at": at, "request_id": "r", "method": "GET", "path": "/", "route": route}
    told |= {"stack": "legacy", "reason": "split", "bucket": bucket, "plan_version": 1}
    return json.dumps(told | {"status": 200, "ms": 1.5}) + "\n"


@pytest.fixture
def planned(shell: Shell) -> Shell:
    """A folder with a plan in force, made for two apps that have run here."""
    put(shell, "gradual")
    return shell


def put(shell: Shell, phase: str) -> None:
    inventory = Inventory((WHO, ITEMS, OLD), (WHO, ITEMS))
    write_inventory(shell.folder / "var/inventory.json", inventory)
    store = open_store(f"sqlite:///{shell.folder}/var/banyan.db")
    act = Act("cli:alice", "laptop", "plan.apply", "", "because")
    document = PLAN.format(phase=phase).replace("GET /items/{n:int}", "'GET /items/{n:int}'")
    store.versions.apply(0, Proposal(document, act))
    store.close()


@pytest.fixture
def log(shell: Shell) -> Log:
    def write(*lines: str, name: str = "access.log") -> Path:
        path = shell.folder / name
        path.write_text("".join(lines))
        return path

    return write


def whatif(shell: Shell, *arguments: str) -> dict[str, dict[str, object]]:
    """The rows of the answer, by route."""
    assert shell("whatif", *arguments, "--json") == 0
    return {row["route"]: row for row in json.loads(shell.out)["routes"]}


def test_a_log_tells_who_moves_and_what_they_asked(planned: Shell, log: Log) -> None:
    who = [line("GET /who", bucket, NOW + bucket) for bucket in (1, 9_999, 10_000, 10_000, 24_999)]
    log(*who, line("GET /who", 25_000, NOW + 5))
    row = whatif(planned, "GET /who", "25", "--log", "access.log")["GET /who"]
    assert (row["before"], row["after"], row["buckets"]) == (10.0, 25.0, [10_000, 25_000])
    assert (row["clients"], row["moving"], row["to"]) == (5, 2, "modern")
    assert (row["requests"], row["theirs"], row["share"]) == (6, 3, 0.5)
    assert (row["first"], row["last"]) == (NOW + 1, NOW + 24_999)


def test_a_lowered_split_moves_them_back(planned: Shell, log: Log) -> None:
    log(line("GET /who", 5), line("GET /who", 9_999), line("GET /who", 10_000))
    row = whatif(planned, "GET /who", "0", "--log", "access.log")["GET /who"]
    assert (row["moving"], row["to"]) == (2, "legacy")


def test_without_a_route_every_route_that_can_move_is_shown(planned: Shell, log: Log) -> None:
    log(*(line(route, 50) for route in ("GET /who", "GET /items/{n:int}", "GET /old", "unmatched")))
    assert set(whatif(planned, "50", "--log", "access.log")) == {"GET /who", "GET /items/{n:int}"}


def test_the_table_fits_80_columns_and_the_notes_follow(
    planned: Shell, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    log(line("GET /who", 20_000), line("GET /items/{n:int}", 5), "no line of ours\n")
    assert planned("whatif", "25", "--log", "access.log") == 0
    assert max(map(len, planned.out.splitlines())) <= 80
    assert "GET /who 10 → 25 1 1 1 1 (100%)" in " ".join(planned.out.split())
    assert planned.out.splitlines()[-3:] == [
        "all together: 2 of 2 clients move on at least one route",
        "2 requests read",
        "1 line is none of an access log",
    ]


def test_clients_of_one_cohort_are_counted_once_over_all_routes(shell: Shell, log: Log) -> None:
    log(line("GET /a", 5), line("GET /b", 5), line("GET /b", 7))
    assert shell("whatif", "50", "--log", "access.log", "--json") == 0
    answer = json.loads(shell.out)
    assert (answer["clients"], answer["moved"]) == (2, 2)


def test_clients_of_two_cohorts_are_not_taken_for_one(planned: Shell, log: Log) -> None:
    log(line("GET /who", 20_000), line("GET /items/{n:int}", 20_000))
    assert planned("whatif", "50", "--log", "access.log", "--json") == 0
    assert json.loads(planned.out)["clients"] == 2


def test_without_a_plan_every_split_is_0(shell: Shell, log: Log) -> None:
    log(line("GET /who", 5))
    assert whatif(shell, "1", "--log", "access.log")["GET /who"]["before"] == 0


@pytest.mark.parametrize(("phase", "before"), [("parallel", 0.0), ("full", 100.0)])
def test_a_phase_that_decides_is_named(shell: Shell, log: Log, phase: str, before: float) -> None:
    put(shell, phase)
    log(line("GET /who", 5))
    assert shell("whatif", "GET /who", "50", "--log", "access.log", "--json") == 0
    answer = json.loads(shell.out)
    assert answer["routes"][0]["before"] == before
    assert f"the phase is {phase}: no split decides" in answer["notes"][-1]


def test_a_pattern_means_the_routes_of_the_log_that_it_matches(planned: Shell, log: Log) -> None:
    log(line("GET /items/{n:int}", 5))
    assert set(whatif(planned, "* /items/**", "5", "--log", "access.log")) == {"GET /items/{n:int}"}
    assert set(whatif(planned, "GET /items/{other}", "5", "--log", "access.log")) == {
        "GET /items/{n:int}"
    }


@pytest.mark.parametrize(
    ("route", "why"),
    [
        ("GET /whom", "is neither in the plan nor in the log; nearest: GET /who"),
        ("GET /old", "one stack serves it alone, nobody can move"),
        ("who", "is neither in the plan nor in the log"),
    ],
)
def test_a_route_that_nobody_knows_is_1(planned: Shell, log: Log, route: str, why: str) -> None:
    log(line("GET /who", 5))
    assert planned("whatif", route, "5", "--log", "access.log") == 1
    assert why in planned.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("101", "--log", "x"), "101.0 is outside 0 to 100; nearest: 100"),
        (("much", "--log", "x"), "'much' is no percentage"),
        (("0.0001", "--log", "x"), "finer than 0.001"),
        (("5", "--log", "x", "--since", "soon"), "--since 'soon' is no time: give 30m, 2h"),
        (("5", "--since", "2h"), "--since is for --log"),
    ],
)
def test_what_makes_no_sense_is_2(shell: Shell, arguments: tuple[str, ...], why: str) -> None:
    assert shell("whatif", *arguments) == 2
    assert why in shell.err


@pytest.mark.parametrize("since", ["2h", "120m", "7200s"])
def test_since_leaves_out_what_is_earlier(planned: Shell, log: Log, since: str) -> None:
    old, new = time() - 7_300, time() - 7_000
    log(line("GET /who", 5, old), line("GET /who", 6, new))
    assert planned("whatif", "5", "--log", "access.log", "--since", since) == 0
    assert "1 request read, 1 earlier left out" in planned.out


def test_since_takes_a_time(planned: Shell, log: Log) -> None:
    log(line("GET /who", 5, NOW - 1), line("GET /who", 6, NOW + 1))
    since = datetime.fromtimestamp(NOW, UTC).isoformat()
    assert planned("whatif", "5", "--log", "access.log", "--since", since) == 0
    assert "1 request read, 1 earlier left out" in planned.out


@pytest.mark.parametrize("name", ["old.log.gz", "old.log"])
def test_compressed_logs_are_read_and_several_are_one(planned: Shell, log: Log, name: str) -> None:
    log(line("GET /who", 5))
    (planned.folder / name).write_bytes(gzip.compress(line("GET /who", 6).encode()))
    row = whatif(planned, "GET /who", "5", "--log", "access.log", "--log", name)["GET /who"]
    assert row["clients"] == 2


def test_standard_input_is_a_log(planned: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    text = line("GET /who", 5).encode() + b"\xff\xfe\x00 no text\n"
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(text)))
    monkeypatch.setattr(sys, "stdin", stream)
    assert whatif(planned, "GET /who", "5", "--log", "-")["GET /who"]["clients"] == 1
    assert json.loads(planned.out)["other_lines"] == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), (gzip.compress(line("GET /who", 5).encode() * 99)[:-20], "damaged gzip")],
)  # fmt: skip
def test_a_log_that_cannot_be_read_is_1_and_named(
    planned: Shell, content: bytes | None, why: str
) -> None:
    if content is not None:
        (planned.folder / "x.gz").write_bytes(content)
    assert planned("whatif", "5", "--log", "x.gz") == 1
    assert planned.err.startswith("banyan: x.gz: ")
    assert why in planned.err


def seen(shell: Shell, samples: dict[str, list[int]]) -> None:
    """One worker that tells of these buckets."""
    told = {route: {"buckets": buckets, "limit": 100_000} for route, buckets in samples.items()}
    beat = Beat("w", "web-1", "l", 7, 1, True, "s", "i", "[]", "{}", json.dumps(told))
    store = open_store(f"sqlite:///{shell.folder}/var/banyan.db")
    store.workers.keep_inventory("i", (shell.folder / "var/inventory.json").read_text())
    store.workers.beat(beat, first=True)
    store.close()


def test_workers_tell_who_was_seen_lately(planned: Shell) -> None:
    seen(planned, {"GET /who": [5, 10_000, 24_999, 25_000]})
    assert planned("whatif", "GET /who", "25") == 0
    assert planned.out.splitlines() == [
        "GET /who  modern 10 → 25 %",
        "  GET /who: of 4 clients seen lately, 2 move to modern",
        "nothing was changed; clients are those of the last 15 to 30 minutes",
    ]


def test_without_a_route_workers_tell_of_each_that_was_asked(planned: Shell) -> None:
    seen(planned, {"GET /who": [5, 10_000]})
    assert planned("whatif", "25%") == 0
    assert [one for one in planned.out.splitlines() if "seen lately" in one] == [
        "  GET /who: of 2 clients seen lately, 1 moves to modern"
    ]


def test_one_client_is_not_several(planned: Shell) -> None:
    seen(planned, {"GET /who": [10_000], "GET /items/{n:int}": [90_000]})
    assert planned("whatif", "25%") == 0
    assert [one for one in planned.out.splitlines() if "seen lately" in one] == [
        "  GET /who: of 1 client seen lately, 1 moves to modern",
        "  GET /items/{n:int}: of 1 client seen lately, none moves",
    ]


def test_what_changes_nothing_is_said(planned: Shell) -> None:
    assert planned("whatif", "GET /who", "10") == 0
    assert planned.out.startswith("GET /who: nothing changes: it has 10 %")
