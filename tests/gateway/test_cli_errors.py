"""Every way a command fails: few lines that name the thing and the next step, no traceback, an exit code."""

import io
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from gateway.cli.admission import open_door
from gateway.control.bind import BindRefused
from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import write_inventory
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.opening import open_store
from gateway.store.versions import Proposal
from tests.gateway import test_cli

Shell = test_cli.Shell
shell = test_cli.shell

Setup = Callable[[Shell], None]

BOTH = Endpoint("GET", "/who"), Endpoint("GET", "/items/{n:int}")
PLAN = "phase: gradual\nroutes:\n  - route: GET /who\n    modern: 25\n"
BAD = "phase: gradul\nroutes:\n  - route: GET /who\n    modern: 250\n"
WHY = ("--reason", "because")
NO_PLAN = "there is no plan yet: `banyan up` writes the first one, `banyan apply FILE` takes yours"
NO_ROUTES = (
    "which routes are there? Name the stacks (--legacy, --modern), or start `banyan up` once"
)
ACT = Act("cli:ann", "laptop", "plan.apply", "", "because")

# Every command that asks for a plan, as it is typed
ASKING = (
    ("shift", "GET /who", "5", *WHY),
    ("phase", "parallel", *WHY),
    ("kill", *WHY),
    ("resume", *WHY),
    ("rollback", *WHY),
    ("apply", "plan.yaml", *WHY),
    ("status",),
    ("workers",),
    ("history",),
    ("diff",),
    ("export",),
    ("audit",),
    ("routes",),
    ("validate", "plan.yaml"),
    ("explain", "GET", "/who"),
    ("whatif", "GET /who", "50"),
    ("evidence", "GET /who"),
    ("ack", "GET /who", *WHY),
    ("ramp", "start", "GET /who", "--steps", "50,100", *WHY),
    ("ramp", "status"),
    ("ramp", "pause", "GET /who", *WHY),
    ("token", "list"),
    ("token", "create", "bob"),
    ("token", "revoke", "abcdefgh"),
)


def at_first(shell: Shell) -> None:
    """Apps were seen, files lie there, and nobody has made a plan."""
    write_inventory(shell.folder / "var/inventory.json", Inventory(BOTH, BOTH))
    (shell.folder / "plan.yaml").write_text(PLAN)
    (shell.folder / "bad.yaml").write_text(BAD)
    (shell.folder / "unknown.yaml").write_text(PLAN.replace("/who", "/whoo"))
    (shell.folder / "binary.yaml").write_bytes(bytes(range(256)))


def planned(shell: Shell) -> None:
    """Likewise, and version 1 is in force."""
    at_first(shell)
    store = open_store(f"sqlite:///{shell.folder}/var/banyan.db")
    store.versions.apply(0, Proposal(PLAN, ACT))
    store.close()


def nothing(_shell: Shell) -> None:
    """An empty folder."""


def garbage(shell: Shell) -> None:
    at_first(shell)
    (shell.folder / "var/banyan.db").write_bytes(b"garbage " * 1000)


def newer(shell: Shell) -> None:
    planned(shell)
    with sqlite3.connect(shell.folder / "var/banyan.db") as connection:
        connection.execute("UPDATE banyan_meta SET value = '99' WHERE name = 'schema'")
    connection.close()


def folder_for_store(shell: Shell) -> None:
    at_first(shell)
    (shell.folder / "var/banyan.db").mkdir()


def file_for_var(shell: Shell) -> None:
    (shell.folder / "var").write_text("")
    (shell.folder / "plan.yaml").write_text(PLAN)


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """Logs that another test has sent to its own standard error come back, and ours leave nothing."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def assert_told(shell: Shell) -> None:
    """What stands on standard error is for a person."""
    assert "Traceback" not in shell.out + shell.err
    assert 1 <= len(shell.err.splitlines()) <= 3, shell.err
    assert shell.err.startswith("banyan: "), shell.err


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_a_damaged_store_is_named_with_what_to_do(shell: Shell, arguments: tuple[str, ...]) -> None:
    garbage(shell)
    assert shell(*arguments) == 1
    assert_told(shell)
    assert "sqlite:///var/banyan.db: damaged" in shell.err
    assert "move the file away: a new one begins with the last good plan" in shell.err


@pytest.mark.parametrize("arguments", [ASKING[0], ("status",), ("token", "list")], ids=" ".join)
@pytest.mark.parametrize(
    ("setup", "code", "said"),
    [
        (folder_for_store, 1, "this user must be able to read and write the file and its folder"),
        (
            newer,
            2,
            "the store has schema 99, this version of banyan knows 2: install the newer one",
        ),
    ],
)
def test_a_store_that_cannot_be_used_is_named_with_what_to_do(
    shell: Shell, setup: Setup, code: int, said: str, arguments: tuple[str, ...]
) -> None:
    setup(shell)
    assert shell(*arguments) == code
    assert_told(shell)
    assert said in shell.err


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
def test_a_database_that_is_away_is_named_without_its_password(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    at_first(shell)
    url = "postgresql+psycopg://ann:hidden@127.0.0.1:1/banyan"
    monkeypatch.setenv("BANYAN_STORE", url)
    assert shell(*arguments) == 1
    assert_told(shell)
    assert "is the server up, and is BANYAN_STORE right?" in shell.err
    assert "hidden" not in shell.err


WRITING = ("token", "create", "bob"), ("token", "revoke", "abcdefgh")
COMPILING = [one for one in ASKING if one[0] in {"apply", "validate", "explain"}]


@pytest.mark.parametrize("arguments", [*WRITING, *COMPILING, ("override", "modern")], ids=" ".join)
def test_a_file_in_place_of_var_is_named(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    file_for_var(shell)
    monkeypatch.delenv("BANYAN_SECRET")
    assert shell(*arguments) in {1, 2}
    assert_told(shell)
    assert shell.err.startswith(
        "banyan: var: File exists; something that is no folder is in the way"
    )


@pytest.mark.parametrize(
    ("setup", "arguments", "code", "said"),
    [
        # Nothing is there yet
        (nothing, ("status",), 2, NO_ROUTES),
        (nothing, ("routes",), 2, NO_ROUTES),
        (nothing, ("validate", "plan.yaml"), 1, "there is no file plan.yaml"),
        (nothing, ("override", "newer"), 2, "'newer' is no stack: legacy or modern"),
        (at_first, ("shift", "GET /who", "5", *WHY), 1, NO_PLAN),
        (at_first, ("phase", "full", *WHY), 1, NO_PLAN),
        (at_first, ("kill", *WHY), 1, NO_PLAN),
        (at_first, ("resume", *WHY), 1, NO_PLAN),
        (at_first, ("export",), 1, NO_PLAN),
        (at_first, ("diff",), 1, NO_PLAN),
        (at_first, ("explain", "GET", "/who"), 1, NO_PLAN),
        (at_first, ("whatif", "GET /who", "5"), 1, NO_PLAN),
        (at_first, ("rollback", *WHY), 1, "there is no earlier version to go back to; `banyan history`"),
        # Routes and percentages
        (planned, ("shift", "GET /whoo", "5", *WHY), 1, "neither stack serves GET /whoo; nearest: GET /who"),
        (planned, ("shift", "GET", "5", *WHY), 1, "route: 'GET' is no route: METHOD /path, as in `GET /api/"),
        (planned, ("shift", "GET /who", "101", *WHY), 1, "modern: 101 is outside 0 to 100; nearest: 100"),
        (planned, ("shift", "GET /who", "1.00001", *WHY), 1, "modern: 1.00001 is finer than 0.001; nearest: 1.000"),
        (planned, ("shift", "GET /who", "many", *WHY), 1, "modern: 'many' is no percentage: a number from 0 to 100"),
        (planned, ("shift", "GET /who", "nan", *WHY), 1, "modern: 'nan' is no percentage"),
        (planned, ("shift", "GET /who", "1e999", *WHY), 1, "modern: '1e999' is no percentage"),
        (planned, ("whatif", "GET /whoo", "5"), 1, "banyan: neither stack serves GET /whoo; nearest: GET /who"),
        (planned, ("whatif", "GET /who", "500"), 1, "banyan: modern: 500 is outside 0 to 100; nearest: 100"),
        (planned, ("whatif", "GET /who", "5", "--log", "no.log"), 1, "no.log: No such file or directory"),
        (planned, ("whatif", "GET /who", "5", "--since", "1h"), 2, "--since is for --log"),
        # Reasons, phases, versions
        (planned, ("kill", "--reason", " "), 1, "reason: give one line of 1 to 500 characters"),
        (planned, ("kill", "--reason", "a\nb"), 1, "reason: give one line of 1 to 500 characters"),
        (planned, ("phase", "gradul", *WHY), 1, "phase: Input should be 'parallel', 'gradual' or 'full'"),
        (planned, ("shift", "GET /who", "5", "--expect", "9", *WHY), 1, "the plan is at version 1, the change was made for version 9: look at the newer one, then change that; `banyan diff`"),
        (planned, ("rollback", "99", *WHY), 1, "there is no version 99; the newest is 1; `banyan history` lists"),
        (planned, ("rollback", *WHY), 1, "there is no earlier version to go back to; `banyan history` lists"),
        (planned, ("export", "--version", "99"), 1, "there is no version 99; the newest is 1"),
        (planned, ("diff", "1", "99"), 1, "there is no version 99; the newest is 1"),
        # Files
        (planned, ("apply", "bad.yaml", *WHY), 1, "bad.yaml: the plan is refused:\n  line 1: phase: 'gradul' is no phase: parallel, gradual or full; nearest: gradual\n  line 4: routes[0].modern: 250"),
        (planned, ("apply", "unknown.yaml", *WHY), 1, "unknown.yaml: line 3: routes[0].route: neither stack serves GET /whoo"),
        (planned, ("apply", "none.yaml", *WHY), 1, "there is no file none.yaml"),
        (planned, ("apply", "binary.yaml", *WHY), 1, "binary.yaml: byte 128 is not UTF-8: a plan is a text file"),
        (planned, ("apply", ".", *WHY), 1, ". cannot be read: Is a directory"),
        (planned, ("explain", "GET", "/who", "--file", "bad.yaml"), 1, "bad.yaml: the plan is refused:\n  line 1"),
        (planned, ("explain", "GET", "/who", "--file", "binary.yaml"), 1, "binary.yaml: byte 128 is not UTF-8"),
        (planned, ("explain", "GET", "/who", "--header", "alice"), 2, "--header 'alice' is no `Name: value`"),
        (planned, ("explain", "G T", "/who"), 1, "method: give one word, as in GET"),
        (planned, ("export", "--output", "no/plan.yaml"), 2, "no/plan.yaml: No such file or directory; make its folder first"),
        (planned, ("export", "--output", "."), 2, ".: Is a directory; name a file in it"),
        # Tokens
        (planned, ("token", "revoke", "abcdefgh"), 1, "there is no such token, or it is revoked already; `banyan token list`"),
        (planned, ("token", "revoke", "../plan"), 1, "'../plan' is no id of a token; `banyan token list` shows them"),
        (planned, ("token", "create", "bob the builder"), 1, "name: give 1 to 64 of: letters, digits, `.`, `_`, `@`, `-`"),
        (planned, ("token", "create", "bob", "--role", "king"), 1, "role: Input should be 'viewer', 'operator' or 'admin'"),
        # Settings
        (planned, ("status", "--store", "mysql://x"), 2, "no store for mysql://: give sqlite:///var/banyan.db or postgresql"),
        (planned, ("status", "--store", "nonsense"), 2, "BANYAN_STORE is no URL of a store: give sqlite:///"),
        (planned, ("validate", "plan.yaml", "--legacy", "nowhere:app"), 2, "BANYAN_LEGACY: cannot import 'nowhere'"),
        (planned, ("routes", "export", "legacy"), 2, "which app? Name it with --legacy"),
        (planned, ("parity",), 2, "two stacks are compared: name both with --legacy and --modern"),
        (planned, ("parity", "--accept", "GET /who", *WHY), 2, "run `banyan parity` first"),
    ],
)  # fmt: skip
def test_what_a_command_refuses_is_named_with_the_next_step(
    shell: Shell,
    setup: Setup,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    setup(shell)
    assert shell(*arguments) == code
    assert said in shell.err
    assert "Traceback" not in shell.err
    if arguments[0] != "validate" or code == 2:
        assert_told(shell)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("shift", "GET /who", "5"), "Missing option '--reason'"),
        (("apply", "plan.yaml"), "Missing option '--reason'"),
        (("shift", "GET /who", "5", "--expect", "0", *WHY), "Invalid value for '--expect'"),
        (("token", "create", "bob", "--days", "1e9"), "Invalid value for '--days'"),
        (("history", "--limit", "x"), "Invalid value for '--limit'"),
        (("frobnicate",), "No such command 'frobnicate'"),
    ],
)
def test_wrong_usage_is_2_and_names_the_option(
    shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    planned(shell)
    assert shell(*arguments) == 2
    assert said in shell.err
    assert "--help' for help" in shell.err


@pytest.mark.parametrize("command", ["apply", "validate"])
def test_standard_input_that_is_no_text_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    planned(shell)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))
    assert shell(command, "-", *(WHY if command == "apply" else ())) == 1
    name = "banyan: standard input" if command == "apply" else "-"
    assert shell.err == f"{name}: byte 0 is not UTF-8: a plan is a text file\n"


def test_json_leaves_errors_where_they_are(shell: Shell) -> None:
    planned(shell)
    assert shell("shift", "GET /whoo", "5", *WHY, "--json") == 1
    assert shell.out == ""
    assert shell.err == "banyan: neither stack serves GET /whoo; nearest: GET /who\n"


@pytest.mark.parametrize("command", ["serve", "control"])
def test_a_port_in_use_is_named(shell: Shell, command: str) -> None:
    option = "--port" if command == "serve" else "--control-port"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert shell(command, option, str(port)) == 2
    assert_told(shell)
    step = f"stop what listens there, or choose another with {option}"
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; {step}" in shell.err


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ((), "BANYAN_CONTROL_TLS_CERT=tls.pem: No such file or directory; name a file that"),
        (("tls.pem",), "BANYAN_CONTROL_TLS_KEY=tls.key: No such file or directory; name a file"),
        (("tls.pem", "tls.key"), "tls.pem and tls.key are no certificate and its key ("),
    ],
)
def test_a_certificate_that_cannot_be_used_keeps_all_from_starting_and_makes_no_token(
    shell: Shell, made: tuple[str, ...], said: str
) -> None:
    for name in made:
        (shell.folder / name).write_text("no PEM")
    pair = {"control_tls_cert": Path("tls.pem"), "control_tls_key": Path("tls.key")}
    with pytest.raises(BindRefused) as refused:
        open_door(Settings().model_copy(update=pair))
    assert str(refused.value).startswith(said)
    assert refused.value.exit_code == 2
    assert not (shell.folder / "var/banyan.db").exists()
