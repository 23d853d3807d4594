"""`banyan doctor`: what it says and the exit codes, the stacks, and that no secret is shown."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from threading import Event, Thread
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from werkzeug.debug import DebuggedApplication
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from benchmarks.ports import free_port
from gateway.doctor import loading
from gateway.doctor.case import Case, Surroundings
from gateway.doctor.debug import debuggers
from gateway.doctor.examination import Check, examine
from gateway.doctor.model import Finding, Line, Topic, ok
from gateway.doctor.stacks import check_debug, check_stacks
from gateway.doctor.surroundings import check_settings
from gateway.settings import Settings
from tests.gateway import test_cli
from tests.stacks import flask_app, settings

Shell = test_cli.Shell
shell = test_cli.shell

KNOWN = frozenset({"BANYAN_SERVER", "BANYAN_TOKEN"})
BUG = "that is a bug of banyan: report it with this line"
STACKS = {Topic.STACKS: check_stacks, Topic.DEBUG: check_debug}
BOTH = "--legacy", "tests.stacks:APP", "--modern", "tests.stacks:starlette_app"


def found(
    chosen: Settings, checks: Mapping[Topic, Check], environ: Mapping[str, str] = {}
) -> list[tuple[str, str]]:
    """Levels and texts."""
    lines = examine(chosen, Surroundings(environ, KNOWN), checks)
    return [(line.finding.level.value, _text(line)) for line in lines]


def _text(line: Line) -> str:
    return f"{line.finding.found} → {line.finding.do}" if line.finding.do else line.finding.found


class _Answers(BaseHTTPRequestHandler):
    """Answers every GET with the server's `status`."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def address_string(self) -> str:
        return "somebody"


class _UnixServer(ThreadingUnixStreamServer):
    daemon_threads = True
    status = 200


@pytest.fixture
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a server; the parameter is its status, or `unix`."""
    server: Any
    if request.param == "unix":
        path = os.path.relpath(tmp_path / "app.sock")  # the whole may be longer than a socket's may
        server = _UnixServer(path, _Answers)
        address = f"unix:{tmp_path / 'app.sock'}"
    else:
        server = HTTPServer(("127.0.0.1", 0), _Answers)
        server.status = request.param
        address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield address
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_good_pair_is_0_and_the_last_line_sums_up(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANYAN_PORT", str(free_port()))
    monkeypatch.setenv("BANYAN_CONTROL_PORT", str(free_port()))
    assert shell("doctor", *BOTH) == 0
    assert "legacy: tests.stacks:APP loads, 5 routes" in shell.out
    assert "there is no plan yet: `banyan up` writes the first one to traffic.yaml" in shell.out
    assert shell.out.splitlines()[-1].endswith("ok")
    assert list(shell.folder.iterdir()) == []


def test_json_has_every_finding_with_its_next_step(shell: Shell) -> None:
    assert shell("doctor", "--json", "--port", str(free_port())) == 1
    answer = json.loads(shell.out)
    assert not answer["ok"]
    assert answer["errors"] == 1
    assert {
        "topic": "stacks",
        "level": "error",
        "found": "neither stack is named",
        "do": "set BANYAN_LEGACY and BANYAN_MODERN, as in BANYAN_LEGACY=pkg.module:app",
    } in answer["checks"]


def test_it_fits_80_columns_and_has_no_colours_in_a_pipe(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert shell("doctor") == 1
    assert max(map(len, shell.out.splitlines())) <= 80
    assert "\x1b" not in shell.out


def test_a_check_that_crashes_is_an_error_line_and_the_others_go_on(tmp_path: Path) -> None:
    def crashes(case: Case) -> Iterator[Finding]:
        yield ok("so far")
        raise ZeroDivisionError("by nothing")

    def works(case: Case) -> Iterator[Finding]:
        yield ok("fine")

    lines = found(settings(tmp_path), {Topic.DISK: crashes, Topic.PYTHON: works})
    assert lines == [
        ("ok", "so far"),
        ("error", f"this check failed: ZeroDivisionError: by nothing → {BUG}"),
        ("ok", "fine"),
    ]


def test_a_check_that_hangs_is_an_error_line(tmp_path: Path) -> None:
    release = Event()

    def hangs(case: Case) -> Iterator[Finding]:
        release.wait(60)
        yield ok("late")

    lines = examine(settings(tmp_path), Surroundings({}, KNOWN), {Topic.DISK: hangs}, limit=0.05)
    release.set()
    assert "no result after 0.05 s" in lines[0].finding.found


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"BANYAN_PROT": "1"},
            "BANYAN_PROT is no setting: nobody reads it → is BANYAN_PORT meant?",
        ),
        ({"banyan_qqqqqqqqqq": "1"}, "→ unset it: `unset banyan_qqqqqqqqqq`"),
        ({"BANYAN_PORT_8000_TCP_ADDR": "10.0.0.1"}, "→ set `enableServiceLinks: false` in the pod"),
    ],
)
def test_a_variable_that_nobody_reads_is_a_warning(
    tmp_path: Path, environ: dict[str, str], expected: str
) -> None:
    ((level, text),) = found(settings(tmp_path), {Topic.SETTINGS: check_settings}, environ)
    assert level == "warning"
    assert expected in text


def test_variables_of_settings_and_commands_are_known(tmp_path: Path) -> None:
    environ = {"BANYAN_TOKEN": "x", "BANYAN_SERVER": "y", "BANYAN_PORT": "1", "HOME": "/"}
    lines = found(settings(tmp_path), {Topic.SETTINGS: check_settings}, environ)
    assert lines == [("ok", "1 set in the environment, every one known")]


@pytest.mark.parametrize(
    ("changes", "conflict"),
    [
        ({"port": 8001}, True),
        ({"port": 8001, "host": "0.0.0.0"}, True),
        ({"port": 8001, "host": "127.0.0.2"}, False),
        ({"port": 0, "control_port": 0}, False),
        ({"probe_port": 8000}, True),
    ],
)
def test_two_listeners_on_one_port_are_an_error(
    tmp_path: Path, changes: dict[str, Any], conflict: bool
) -> None:
    lines = found(settings(tmp_path, **changes), {Topic.SETTINGS: check_settings})
    assert [level for level, _ in lines] == (["error"] if conflict else ["ok"])


def test_hosts_with_one_store_and_a_secret_each_are_a_warning(tmp_path: Path) -> None:
    chosen = settings(tmp_path, store="postgresql://banyan@127.0.0.1:1/banyan")
    ((level, text),) = found(chosen, {Topic.SETTINGS: check_settings})
    assert level == "warning"
    assert "set the same BANYAN_SECRET on every host" in text


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("raise KeyError('no DSN')", "raised KeyError: 'no DSN'"),
        ("import os; os.abort()", "ended the process (SIGABRT)"),
        ("import sys; print('going down', file=sys.stderr); sys.stderr.flush(); import os\nos._exit(1)", ": going down"),
        ("ap = 1", "has no 'app'; the nearest name is 'ap'"),
        ("import time; time.sleep(60)", "was not loaded within 1 s"),
    ],
)  # fmt: skip
def test_an_app_that_does_not_load_is_an_error_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, expected: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    if "sleep" in module:
        monkeypatch.setattr(loading, "_LOAD", 1)
    (tmp_path / "sick_app.py").write_text(module)
    (level, text), *_ = found(settings(tmp_path, legacy="sick_app:app"), STACKS)
    assert level == "error"
    assert text.startswith("legacy: ")
    assert expected in text


def test_what_an_app_prints_and_starts_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "loud_app.py").write_text(
        "import threading, os, time\nfrom flask import Flask\n"
        "print('{\"error\": \"forged\"}', flush=True); os.system('echo loud')\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "app = Flask('loud')\n"
    )
    lines = found(settings(tmp_path, legacy="process:loud_app:app"), STACKS)
    assert lines[0] == ("ok", "legacy: loud_app:app loads, 1 route")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("served", "level"), [(200, "ok"), (404, "ok"), (503, "warning"), ("unix", "ok")], indirect=["served"]
)  # fmt: skip
def test_a_server_elsewhere_is_asked(tmp_path: Path, served: str, level: str) -> None:
    lines = found(settings(tmp_path, legacy=served), STACKS)
    assert lines[0][0] == level
    assert lines[0][1].startswith(f"legacy: {served} answers")
    assert "set BANYAN_LEGACY_ROUTES=legacy.json" in lines[1][1]


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    (level, text), *_ = found(settings(tmp_path, legacy=address), STACKS)
    assert level == "error"
    assert f"{address}: nobody answers within 2 s" in text


def _middleware(app: Any) -> Any:
    def wrapped(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        return app(environ, start_response)

    return wrapped


def _wrapped_inside() -> Any:
    app = flask_app()
    app.wsgi_app = DebuggedApplication(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _in_debug() -> Any:
    app = flask_app()
    app.debug = True
    return app


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        (DebuggedApplication(flask_app()), "DebuggedApplication"),
        (_wrapped_inside(), "DebuggedApplication"),
        (DispatcherMiddleware(flask_app(), {"/x": _wrapped_inside()}), "DebuggedApplication"),
        (_middleware(_wrapped_inside()), "DebuggedApplication"),
        (_in_debug(), "app.debug is on"),
        (_middleware(_in_debug()), "app.debug is on"),
        (FastAPI(debug=True), "debug is on: clients see source code"),
    ],
)
def test_b124_a_debugger_is_found_in_whatever_it_is_wrapped(app: Any, expected: str) -> None:
    ((text, _),) = debuggers(app)
    assert expected in text


@pytest.mark.parametrize(
    "app", [flask_app(), FastAPI(), _middleware(flask_app()), _middleware(flask.request)]
)
def test_b124_an_app_without_a_debugger_has_none(app: Any) -> None:
    assert debuggers(app) == []


def test_b124_a_debugged_app_ends_with_1(shell: Shell) -> None:
    (shell.folder / "debugged_app.py").write_text(
        "from flask import Flask\nfrom werkzeug.debug import DebuggedApplication\n"
        "flask_app = Flask('x')\napp = DebuggedApplication(flask_app, evalex=True)\n"
    )
    assert shell("doctor", "--legacy", "debugged_app:app", "--json") == 1
    errors = [one for one in json.loads(shell.out)["checks"] if one["level"] == "error"]
    assert [(one["topic"], "runs code for anybody" in one["found"]) for one in errors] == [
        ("debug", True)
    ]


def test_b124_gunicorns_control_socket_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / ".gunicorn").mkdir()
    path = os.path.relpath(tmp_path / ".gunicorn/gunicorn.ctl")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(path)
        lines = found(settings(tmp_path), {Topic.DEBUG: check_debug}, {"HOME": str(tmp_path)})
    assert lines[0][0] == "warning"
    assert "→ start it with --no-control-socket" in lines[0][1]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_b086_no_secret_is_shown(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    secrets = [f"hush-{n}-7f3a9c%40e1" for n in range(7)]
    plain = [secret.replace("%40", "@") for secret in secrets]
    (shell.folder / "telling_app.py").write_text(
        "import os\nraise ValueError(os.environ['APP_API_KEY'] + os.environ['BANYAN_SECRET'])\n"
    )
    for name, value in {
        "BANYAN_SECRET": plain[0],
        "BANYAN_TOKEN": plain[1],
        "BANYAN_STORE": f"postgresql://u:{secrets[2]}@127.0.0.1:1/b?sslpassword={secrets[3]}",
        "BANYAN_LEGACY": "telling_app:app",
        "BANYAN_MODERN": f"http://user:{secrets[4]} @127.0.0.1:1",
        "BANYAN_SERVER": f"http://user:{secrets[5]}@127.0.0.1:1",
        "APP_API_KEY": plain[6],
    }.items():
        monkeypatch.setenv(name, value)
    assert shell("doctor", *arguments) == 1
    told = "".join((shell.out + shell.err).split())
    assert "ValueError:******" in told  # it was there to be hidden
    assert "u:***@127.0.0.1" in told
    assert [secret for secret in secrets + plain if secret in told] == []
    assert "hush-" not in told


def test_b086_a_secret_on_disk_is_not_shown(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BANYAN_SECRET")
    (shell.folder / "var").mkdir()
    (shell.folder / "var/secret").write_text("hush-on-disk-0123456789")
    (shell.folder / "telling_app.py").write_text("raise ValueError(open('var/secret').read())\n")
    assert shell("doctor", "--legacy", "telling_app:app") == 1
    assert "ValueError: ***" in shell.out
    assert "hush" not in shell.out + shell.err
