"""`banyan routes` and `/api/v1/routes`: what both apps serve, how far the migration is, what to know."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.flags import variable
from gateway.inventory import told_from
from gateway.listing import Kind
from gateway.settings import Settings
from tests.controlling import told as api
from tests.door import listed
from tests.drive import AsgiTarget, Request
from tests.gateway.test_cli import Shell
from tests.stacks import gateway, settings

STACKS = "--legacy", "tests.door.listed:legacy", "--modern", "tests.door.listed:modern"
HALF = "phase: gradual\nroutes:\n  - {route: GET /plain, modern: 50}\n"


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """`banyan` in a folder with a plan, and with no control plane to ask."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in Settings.model_fields:
        monkeypatch.setenv(variable(name), "")  # options are exported: so that they are put back
        monkeypatch.delenv(variable(name))
    monkeypatch.setenv("BANYAN_CONTROL_PORT", "1")
    monkeypatch.setenv("COLUMNS", "240")
    (tmp_path / "traffic.yaml").write_text(HALF)
    return Shell(tmp_path, capsys, monkeypatch)


def rows(shell: Shell, *stacks: str) -> dict[str, Any]:
    assert shell("routes", "--json", *(stacks or STACKS)) == 0
    return {row["route"]: row for row in json.loads(shell.out)["routes"]}


@pytest.mark.parametrize("route", listed.EXPECTED)
def test_p017_a_route_is_listed_with_what_there_is_to_know(shell: Shell, route: str) -> None:
    row = rows(shell)[route]
    where, kinds = listed.EXPECTED[route]
    assert (row["served"], {note["kind"] for note in row["notes"]}) == (where, kinds)


def test_every_kind_of_note_is_shown_by_a_route() -> None:
    shown = {kind for _, kinds in listed.EXPECTED.values() for kind in kinds}
    assert shown == set(Kind) - {Kind.HOST}


def test_p018_a_host_is_named(shell: Shell) -> None:
    row = rows(
        shell, "--legacy", "tests.door.listed:by_host", "--modern", "tests.door.listed:modern"
    )
    assert [note["text"] for note in row["GET /plain"]["notes"]] == ["only for a.example"]


@pytest.mark.parametrize(
    ("route", "text"),
    [
        ("POST /both", "modern serves this path for GET, PUT only"),
        ("PUT /both", "legacy serves this path for GET, POST only"),
        ("GET /typed/{n}", "`n` is string to legacy and uuid to modern"),
        ("GET /bounded/{n:int}", "`n`: legacy takes only up to 9"),
        ("GET /opaque/{n}", "`n`: code of legacy's reads it, and may refuse what fits"),
        ("GET /slashed/", "modern serves /slashed"),
        ("GET /u/me", "GET /u/{name} is registered before it and answers"),
        ("GET /files/list", "modern would answer by GET /files/{name}"),
        ("GET /page/{n:int}", "n=1: redirects to /page/"),
        ("GET /moved", "redirects to /plain"),
        ("OPTIONS /asked", "legacy has a view for OPTIONS"),
    ],
)
def test_a_note_says_what_a_client_could_notice(shell: Shell, route: str, text: str) -> None:
    assert text in [note["text"] for note in rows(shell)[route]["notes"]]


def test_the_table_has_a_line_for_each_route_and_its_notes(shell: Shell) -> None:
    assert shell("routes", *STACKS) == 0
    line = next(line for line in shell.out.splitlines() if line.strip().startswith("GET /plain"))
    assert line.split() == ["GET", "/plain", "both", "50", "%"]
    assert "front door decides" in shell.out
    assert "shadowed GET /u/{name} is registered before it and answers" in shell.out


def test_the_sums_say_how_far_the_migration_is(shell: Shell) -> None:
    served = [row["served"] for row in rows(shell).values()]
    shell("routes", *STACKS)
    (sums,) = [line for line in shell.out.splitlines() if " routes: " in line]
    assert f"{len(served)} routes: {served.count('both')} both" in sums
    assert f"{served.count('legacy only')} legacy only" in sums
    assert "0 at 100 %" in sums
    assert "no traffic seen" in sums


def test_a_plan_that_is_refused_is_named_and_the_routes_are_shown(shell: Shell) -> None:
    (shell.folder / "traffic.yaml").write_text(
        "phase: gradual\nroutes:\n  - {route: GET /x, modern: 5}\n"
    )
    assert shell("routes", *STACKS) == 0
    assert "refused line 3: routes[0].route: neither stack serves GET /x" in shell.out
    assert "GET /plain" in shell.out


async def test_the_api_tells_splits_traffic_and_when_legacy_was_last_asked(tmp_path: Path) -> None:
    async with gateway(tmp_path, HALF, listed.legacy, listed.modern) as app:
        target, requests = AsgiTarget(app), [("/plain", str(n)) for n in range(20)]
        served = [
            (await target.send(Request("GET", path, {"X-API-Key": key}))).header("x-served-by")
            for path, key in [*requests, ("/files/list", "1")]
        ]
        await app._heartbeat.beat()
        report = await api(settings(tmp_path), "/routes")
    found = {row["route"]: row for row in report["routes"]}
    plain, files = found["GET /plain"], found["GET /files/list"]
    assert (plain["split"], files["split"]) == (50, None)
    assert plain["modern"]["requests"] == served.count("modern") > 0
    assert plain["legacy"]["requests"] + files["legacy"]["requests"] == served.count("legacy") > 1
    assert files["legacy"]["last"] >= plain["legacy"]["last"] > 1_700_000_000
    assert files["modern"]["last"] is None


async def test_the_api_and_the_command_say_the_same_of_a_route(
    tmp_path: Path, shell: Shell
) -> None:
    async with gateway(tmp_path, HALF, listed.legacy, listed.modern):
        pass
    report = await api(settings(tmp_path), "/routes")
    told = {row["route"]: (row["served"], row["notes"], row["split"]) for row in report["routes"]}
    said = {name: (row["served"], row["notes"], row["split"]) for name, row in rows(shell).items()}
    assert {route: told[route] for route in said} == said


@pytest.mark.parametrize("stack", ["legacy", "modern"])
def test_an_export_is_what_a_gateway_reads(shell: Shell, stack: str) -> None:
    assert shell("routes", "export", stack, *STACKS, "--output", "told.json") == 0
    told = told_from((shell.folder / "told.json").read_bytes())
    assert shell.out == f"told.json: {len(told.served or ())} routes of tests.door.listed:{stack}\n"
    assert (told.door is None) == (stack == "modern")
    assert shell("routes", "export", stack, *STACKS) == 0
    assert told_from(shell.out) == told


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("older", *STACKS), 2, "banyan: 'older' is no stack: legacy or modern\n"),
        (("legacy",), 2, "banyan: which app? Name it with --legacy\n"),
        (
            ("legacy", "--legacy", "http://127.0.0.1:1"),
            1,
            "banyan: http://127.0.0.1:1 does not tell what it serves: export where the app can be",
        ),
        (("legacy", "--legacy", "nowhere:app"), 2, "BANYAN_LEGACY: cannot import 'nowhere'"),
        (("legacy", *STACKS, "--output", "no/folder.json"), 2, "No such file or directory"),
    ],
)
def test_what_cannot_be_exported_is_said(
    shell: Shell, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert shell("routes", "export", *arguments) == code
    assert said in shell.err


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("DELETE", "/plain", "; the front door says 405 (GET, HEAD, OPTIONS)"),
        ("OPTIONS", "/plain", "; the front door says 200 (GET, HEAD, OPTIONS)"),
        ("GET", "/slashed", "; the front door says 308 (/slashed/)"),
        ("GET", "/nothing", "; the front door says 404"),
    ],
)
def test_explain_says_what_the_front_door_answers(
    shell: Shell, method: str, path: str, said: str
) -> None:
    assert shell("explain", method, path, *STACKS) == 0
    first = shell.out.splitlines()[0]
    assert first == f"  route           no route of the table: unmatched{said}"
