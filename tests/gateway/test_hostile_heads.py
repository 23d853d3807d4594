"""Heads of requests that try to be more than they are: to a stack, to an operator, to a log."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from time import time
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY
from rich.console import Console

from gateway.app import Gateway
from gateway.cli.explain import explain
from gateway.cli.status import screen
from gateway.control.shown import RoutesReport
from gateway.logs import configure_logs
from gateway.override import Overrides
from gateway.words import Stack
from tests.drive import AsgiTarget, Request
from tests.stacks import PLAN, gateway, settings

SECRET = "sixteen bytes or more"

SHARES = pytest.mark.parametrize(("share", "stack"), [(0, "legacy"), (100, "modern")])
NASTY = "\x1b]0;mine\x07\x1b[2J\r\nGET /forged HTTP/1.1\u202e\x9b"


@pytest.fixture
async def legacy(tmp_path: Path) -> AsyncIterator[Gateway]:
    """Everything at legacy, so that an override that worked would show."""
    plan = PLAN.format(phase="gradual", modern=0)
    async with gateway(tmp_path, plan, secret=SECRET) as app:
        yield app


def signed(key: bytes = SECRET.encode(), *, seconds: int = 60) -> str:
    """An override to modern."""
    return Overrides(key).sign(Stack.MODERN, int(time()) + seconds)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def dropped(reason: str) -> float:
    return counted("gateway_request_headers_dropped_total", reason=reason)


async def who(app: Gateway, headers: dict[str, str]) -> dict[str, Any]:
    """What the stack saw of these headers, by lower-cased name, and which stack it was."""
    answer = await AsgiTarget(app).send(Request("GET", "/who", headers))
    seen = answer.json()
    return {"stack": seen["stack"]} | {k.lower(): v for k, v in seen["headers"].items()}


@SHARES
@pytest.mark.parametrize("name", ["X_Forwarded_For", "X_Auth_User", "Content_Length", "_", "a_"])
async def test_b030_a_name_with_an_underscore_reaches_no_stack_and_is_counted(
    tmp_path: Path, share: int, stack: str, name: str
) -> None:
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=share)) as app:
        before = dropped("underscore")
        seen = await who(app, {name: "6.6.6.6", "X-Kept": "kept"})
    assert (seen["stack"], seen["x-kept"]) == (stack, "kept")
    assert "6.6.6.6" not in seen.values()
    assert dropped("underscore") == before + 1


async def test_b030_a_header_keeps_its_own_value_beside_one_that_resembles_it(
    legacy: Gateway,
) -> None:
    seen = await who(legacy, {"X_Auth_User": "root", "X-Auth-User": "alice"})
    assert seen["x-auth-user"] == "alice"


FORGED = {
    "unsigned": "modern",
    "of another key": signed(b"another key of sixteen bytes"),
    "expired": signed(seconds=-1),
    "with another stack": signed().replace("modern", "legacy"),
    "with a later end": signed().replace(";1", ";9", 1),
    "without its end": signed().replace(signed().split(";")[1], ""),
    "cut": signed()[:-1],
    "of 8 kB": f"modern;9999999999;{'f' * 8_000}",
    "of nothing": "",
    "of latin-1": "modern;9999999999;é",
}


@pytest.mark.parametrize("value", FORGED.values(), ids=list(FORGED))
async def test_b032_an_override_that_is_forged_is_ignored_counted_and_seen_by_no_stack(
    legacy: Gateway, value: str
) -> None:
    before = counted("gateway_overrides_ignored_total")
    seen = await who(legacy, {"X-Banyan-Stack": value})
    assert seen["stack"] == "legacy"
    assert "x-banyan-stack" not in seen
    assert counted("gateway_overrides_ignored_total") == before + 1


async def test_b032_an_override_of_100_kb_is_refused_like_any_header_of_that_size(
    legacy: Gateway,
) -> None:
    forged = f"modern;9999999999;{'f' * 100_000}"
    answer = await AsgiTarget(legacy).send(Request("GET", "/who", {"X-Banyan-Stack": forged}))
    assert (answer.status, answer.header("x-served-by")) == (431, None)


async def test_b032_an_override_that_is_ours_is_obeyed_and_seen_by_no_stack(
    legacy: Gateway,
) -> None:
    """Without this, the forged ones might be ignored for another reason."""
    seen = await who(legacy, {"X-Banyan-Stack": signed()})
    assert seen["stack"] == "modern"
    assert "x-banyan-stack" not in seen


async def test_b032_an_override_opens_no_route_that_a_stack_does_not_serve(
    legacy: Gateway,
) -> None:
    headers = {"X-Banyan-Stack": signed()}
    answer = await AsgiTarget(legacy).send(Request("GET", "/new", headers))
    assert (answer.status, answer.header("x-served-by")) == (404, "legacy")


@SHARES
@pytest.mark.parametrize(
    "name", ["X-Banyan-Shadow", "X-Banyan-State", "x-banyan-", "X-BANYAN-UNIT"]
)
async def test_b032_headers_of_the_gateways_own_reach_no_stack_and_are_counted(
    tmp_path: Path, share: int, stack: str, name: str
) -> None:
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=share)) as app:
        before = dropped("banyan")
        seen = await who(app, {name: "forged"})
    assert seen["stack"] == stack
    assert "forged" not in seen.values()
    assert dropped("banyan") == before + 1


def inert(text: str) -> bool:
    """Nothing in it but printable characters and the line ends of whoever printed it."""
    return all(char.isprintable() for char in text.replace("\n", ""))


async def test_b113_the_access_log_is_one_inert_line_whatever_a_client_sends(
    tmp_path: Path,
) -> None:
    log = tmp_path / "access.log"
    plan = PLAN.format(phase="gradual", modern=0)
    path = "/%1b[31mred%0d%0aGET%20/forged%c2%9b%e2%80%ae%07"
    async with gateway(tmp_path, plan, access_log=str(log)) as app:
        request = Request("GET", path, {"X-Api-Key": "\x1b[2J\r\nforged"})
        assert (await AsgiTarget(app).send(request)).status == 404
    (line,) = log.read_text().splitlines()
    assert line.isascii()
    assert inert(line)
    assert json.loads(line)["path"] == "/\x1b[31mred\r\nGET /forged\x9b\u202e\x07"


async def test_b113_an_app_gets_no_line_break_of_a_request_id_into_its_logs(
    legacy: Gateway,
) -> None:
    answer = await AsgiTarget(legacy).send(Request("GET", "/who", {"X-Request-Id": NASTY[:9]}))
    assert inert(answer.header("x-request-id") or "\0")
    assert NASTY[:9] not in answer.json()["headers"].values()


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Standard error as a terminal, to which our log is written."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    yield lambda terminal: _configured(monkeypatch, Terminal() if terminal else io.StringIO())
    structlog.reset_defaults()


def _configured(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> io.StringIO:
    monkeypatch.setattr("sys.stderr", stream)
    configure_logs()
    return stream


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
def test_b113_what_our_log_says_of_a_client_is_inert(person: Any, terminal: bool) -> None:
    stream = person(terminal)
    structlog.get_logger().error("request.refused", path=NASTY)
    (line,) = stream.getvalue().splitlines()
    for found in ("\x1b]0", "\x1b[2J", "\r", "\x9b", "\u202e"):
        assert found not in line


def test_b113_explain_prints_nothing_that_a_terminal_would_obey(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = settings(
        tmp_path, legacy="tests.stacks:flask_app", modern="tests.stacks:starlette_app"
    )
    chosen.plan.write_text(PLAN.format(phase="gradual", modern=50))
    for header in (f"X-Api-Key: {NASTY}", f"Authorization: {NASTY}"):
        explain(chosen, "GET", f"/{NASTY}", [header], "127.0.0.1")
    explain(chosen, "GET", "/who", [], NASTY)
    shown = capsys.readouterr().out
    assert shown.count("answer") == 3
    assert inert(shown), shown


def test_b113_status_prints_nothing_that_a_terminal_would_obey() -> None:
    row = {"requests": 1, "errors": 0, "error_rate": 0.0, "p50": None, "p95": None}
    report = RoutesReport.model_validate(
        {
            "plan": {
                "file": f"traffic.yaml{NASTY}", "version": 1, "running": 1, "phase": "gradual",
                "actor": f"cli:{NASTY}", "reason": f"{NASTY}[bold]", "kill_switch": False, "refused": [],
            },
            "workers": 1,
            "routes": [
                {
                    "route": f"GET /{NASTY}", "split": 0, "legacy": row, "modern": row, "rescued": 0,
                    "latch": NASTY, "ramp": NASTY, "breakers": {NASTY: NASTY},
                }
            ],
        }
    )  # fmt: skip
    problems = [f"line 1: {NASTY}[bold]", "[red]not ours[/red]"]
    worker = {"alive": True, "problems": problems}
    workers = {"version": 1, "alive": 1, "current": 1, "secrets": 1, "items": [worker]}
    stream = io.StringIO()
    console = Console(file=stream, width=400, force_terminal=True, color_system=None)
    console.print(*screen(report, workers), sep="\n")
    shown = stream.getvalue()
    assert inert(shown), shown
    assert "[red]not ours[/red]" in shown
