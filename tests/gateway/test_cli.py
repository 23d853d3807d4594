"""The commands: what they print, and the exit codes that scripts rely on."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.ports import free_port
from gateway.assignment import bucket_of, cohort_key
from gateway.cli import main
from gateway.cli.flags import _HIDDEN, variable
from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import write_inventory
from gateway.settings import Settings
from tests.drive import AsgiTarget, Request
from tests.stacks import PLAN, gateway

SECRET = "long enough for the tests"


class Shell:
    """Runs `banyan` in this process, in a folder of its own."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.folder, self._capsys, self._patch = folder, capsys, patch
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self._patch.setattr(sys, "argv", ["banyan", *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        self.out, self.err = self._capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in Settings.model_fields:
        monkeypatch.setenv(variable(name), "")  # or what a command exports would outlive the test
        monkeypatch.delenv(variable(name))
    monkeypatch.setenv("BANYAN_SECRET", SECRET)
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(tmp_path, capsys, monkeypatch)


@pytest.fixture
def seen(shell: Shell) -> Shell:
    """A folder where a gateway has run: its inventory is there."""
    both = Endpoint("GET", "/who"), Endpoint("GET", "/items/{n:int}")
    write_inventory(shell.folder / "var/inventory.json", Inventory(both, both))
    (shell.folder / "traffic.yaml").write_text(PLAN.format(phase="gradual", modern=25))
    return shell


def test_validate_accepts_a_good_plan(seen: Shell) -> None:
    assert seen("validate", "traffic.yaml") == 0
    assert seen.out.splitlines() == [
        "traffic.yaml: accepted; phase gradual, 1 rule, 1 above 0 %; it would change:",
        "  phase     gradual (new)",
        "  GET /who  modern 25 (new)",
    ]


def test_validate_names_every_problem_and_ends_with_1(seen: Shell) -> None:
    (seen.folder / "bad.yaml").write_text(PLAN.format(phase="gradul", modern=101))
    assert seen("validate", "bad.yaml") == 1
    assert seen.err == (
        "bad.yaml: line 1: phase: 'gradul' is no phase: parallel, gradual or full; nearest: gradual\n"
        "bad.yaml: line 3: routes[0].modern: 101 is outside 0 to 100; nearest: 100\n"
    )
    assert seen("validate", "bad.yaml", "--json") == 1
    assert json.loads(seen.out)["accepted"] is False


def test_validate_of_a_missing_file_is_1(seen: Shell) -> None:
    assert seen("validate", "nowhere.yaml") == 1
    assert seen.err == "nowhere.yaml: there is no file nowhere.yaml\n"


def test_without_stacks_and_inventory_the_next_step_is_named(shell: Shell) -> None:
    (shell.folder / "traffic.yaml").write_text("phase: gradual\n")
    assert shell("validate", "traffic.yaml") == 2
    assert "Name the stacks (--legacy, --modern), or start `banyan up` once" in shell.err


def test_explain_prints_the_decision_step_by_step(seen: Shell) -> None:
    bucket = bucket_of(cohort_key(SECRET.encode(), "migration"), b"x-api-key=alice")
    stack = "modern" if bucket < 25_000 else "legacy"
    assert seen("explain", "GET", "/%77ho?x=1", "--header", "X-API-Key: alice") == 0
    assert seen.out.splitlines() == [
        "  route           GET /who",
        f"  unit            x-api-key=alice → bucket {bucket} of 100000",
        "  kill_switch     off",
        "  phase           gradual",
        "  modern_missing  no: modern serves it",
        "  legacy_missing  no: legacy serves it",
        "  override        none that holds",
        "  pinned          not known here: workers remember which stack had an Idempotency-Key",
        "  breaker         not known here: workers see for themselves whether modern fails",
        "  split           25 %: modern has the buckets below 25000",
        f"  answer          {stack} (split)",
    ]


@pytest.mark.parametrize(
    ("plan", "path", "answer"),
    [
        ("phase: parallel\n", "/who", ("legacy", "phase")),
        ("phase: full\n", "/who", ("modern", "phase")),
        ("phase: gradual\nkill_switch: true\n", "/who", ("legacy", "kill_switch")),
        ("phase: gradual\n", "/nope", ("legacy", "modern_missing")),
        ("phase: gradual\n", "/items/7", ("legacy", "split")),
    ],
)
def test_explain_as_json_ends_with_the_reason_that_decided(
    seen: Shell, plan: str, path: str, answer: tuple[str, str]
) -> None:
    (seen.folder / "traffic.yaml").write_text(plan)
    assert seen("explain", "GET", path, "--json") == 0
    trace = json.loads(seen.out)
    assert (trace["stack"], trace["reason"]) == answer
    assert list(trace["steps"])[-1] == answer[1]


def test_an_override_that_banyan_prints_is_one_that_explain_obeys(seen: Shell) -> None:
    assert seen("override", "modern", "--ttl", "60") == 0
    header = seen.out.strip()
    (seen.folder / "traffic.yaml").write_text("phase: gradual\n")
    assert seen("explain", "GET", "/who", "--header", header) == 0
    assert seen.out.endswith("answer          modern (override)\n")


def test_an_override_for_no_stack_is_2(seen: Shell) -> None:
    assert seen("override", "newer") == 2
    assert seen.err == "banyan: 'newer' is no stack: legacy or modern\n"


def test_status_of_a_server_where_nobody_is_says_what_to_look_at(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert shell("status", "--server", url) == 1
    assert shell.err == f"banyan: {url} asks for a token: set BANYAN_TOKEN to yours\n"
    monkeypatch.setenv("BANYAN_TOKEN", "banyan_x")
    assert shell("status", "--server", url) == 1
    assert shell.err.startswith(f"banyan: no control plane at {url} (")
    assert "does `banyan control` run there?" in shell.err


def test_status_where_nothing_ever_ran_says_how_to_begin(shell: Shell) -> None:
    assert shell("status") == 2
    assert "start `banyan up` once" in shell.err
    assert not (shell.folder / "var/banyan.db").exists()


def test_a_wrong_setting_is_named_and_is_2(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANYAN_PORT", "80000")
    monkeypatch.setenv("BANYAN_TRUSTED_PROXIES", "10.0.0.0/8,nonsense")
    assert shell("status") == 2
    assert "BANYAN_PORT='80000': Input should be less than or equal to 65535" in shell.err
    assert "BANYAN_TRUSTED_PROXIES" in shell.err
    assert "'nonsense' does not appear to be an IPv4 or IPv6 network" in shell.err


@pytest.mark.parametrize("command", ["up", "serve", "validate", "explain", "status", "override"])
def test_every_setting_that_may_hold_no_secret_is_an_option_of_every_command(
    shell: Shell, command: str
) -> None:
    assert shell(command, "--help") == 0
    for name in Settings.model_fields:
        assert (f"[{variable(name)}]" in "".join(shell.out.split())) == (name not in _HIDDEN)


def test_explain_does_not_claim_that_modern_lacks_what_is_only_closed(seen: Shell) -> None:
    assert seen("explain", "GET", "/docs") == 0
    assert "modern_missing  yes: no route; modern may serve it, but no rule opens it" in seen.out


def test_explain_takes_any_text_in_a_header(seen: Shell) -> None:
    assert seen("explain", "GET", "/who", "--header", "X-API-Key: ключ", "--header", "ключ: x") == 0
    assert "x-api-key=" in seen.out


@pytest.mark.parametrize("url", ["http://[::1]:1", "http://not a host", "nonsense", "ftp://x"])
def test_status_of_a_server_that_is_none_is_1(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("BANYAN_TOKEN", "banyan_x")
    assert shell("status", "--server", url) == 1
    assert f"no control plane at {url}" in shell.err


def test_a_folder_that_cannot_be_written_is_2(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shell.folder / "file").write_text("")
    monkeypatch.setenv("BANYAN_VAR", "file/var")
    monkeypatch.delenv("BANYAN_SECRET")
    assert shell("override", "modern") == 2
    assert "file/var" in shell.err


@pytest.mark.parametrize("kind", ["", "process:"])
def test_explain_asks_an_app_what_it_serves_wherever_it_will_run(shell: Shell, kind: str) -> None:
    (shell.folder / "traffic.yaml").write_text("phase: parallel\n")
    stacks = "--legacy", f"{kind}tests.stacks:APP", "--modern", f"{kind}tests.stacks:starlette_app"
    assert shell("explain", "GET", "/who", *stacks) == 0
    assert "GET /who" in shell.out


async def test_explain_agrees_with_the_running_gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = PLAN.format(phase="gradual", modern=50)
    async with gateway(tmp_path, plan, secret=SECRET) as app:
        target = AsgiTarget(app)
        answered = {
            key: (await target.send(Request("GET", "/who", {"X-API-Key": key}))).header(
                "x-served-by"
            )
            for key in map(str, range(40))
        }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BANYAN_SECRET", SECRET)
    shell = Shell(tmp_path, capsys, monkeypatch)
    explained = {}
    for key in answered:
        assert shell("explain", "GET", "/who", "--header", f"X-API-Key: {key}", "--json") == 0
        explained[key] = json.loads(shell.out)["stack"]
    assert explained == answered
    assert set(answered.values()) == {"legacy", "modern"}


def test_one_host_is_killed_and_resumed_without_a_store(shell: Shell) -> None:
    assert shell("kill", "--here", "--reason", "modern is broken") == 0
    assert shell.out == (
        "var/kill-switch: this host's workers go to legacy within a second\n"
        "undo: banyan resume --here --reason '…'\n"
    )
    assert "modern is broken" in (shell.folder / "var/kill-switch").read_text()
    assert shell("resume", "--here", "--reason", "mended", "--json") == 0
    assert json.loads(shell.out) == {"file": "var/kill-switch", "on": False}
    assert shell("resume", "--here", "--reason", "again") == 0
    assert shell.out == "var/kill-switch: it was not on\n"
    assert not (shell.folder / "var/banyan.db").exists()


def test_one_host_is_not_another_one(shell: Shell) -> None:
    assert shell("kill", "--here", "--reason", "x", "--server", "http://127.0.0.1:1") == 2
    assert shell.err == "banyan: --here is this host, --server another one: leave one of them out\n"
    assert not (shell.folder / "var").exists()


def test_a_revoked_token_is_told_to_programs(shell: Shell) -> None:
    assert shell("token", "create", "ci", "--json") == 0
    token = json.loads(shell.out)["id"]
    assert shell("token", "revoke", token, "--json") == 0
    assert json.loads(shell.out) == {"id": token, "revoked": True}
    assert shell("token", "revoke", token) == 1
    assert "`banyan token list` shows them" in shell.err
