"""Overrides, pins, import strings, the report's arithmetic."""

import io
import json
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from gateway.assignment import Decision
from gateway.control.report import quantile, report
from gateway.exchange import Exchange
from gateway.logs import configure_logs
from gateway.observe.access_log import AccessLog
from gateway.observe.batches import BOUNDS
from gateway.observe.seen import read_traffic
from gateway.override import Overrides
from gateway.pins import KEPT, LIMIT, Pins, pin_of
from gateway.routes import Route
from gateway.routing import RouteTable
from gateway.stacks.address import StackNotFound
from gateway.stacks.load import is_asgi, load
from gateway.words import Phase, Reason, Stack
from tests.stacks import TestClock, flask_app, settings, starlette_app

OVERRIDES = Overrides(b"secret")


def test_a_signed_override_holds_until_it_expires() -> None:
    value = OVERRIDES.sign(Stack.MODERN, expires=100).encode()
    assert OVERRIDES.verify(value, now=99.9) is Stack.MODERN
    assert OVERRIDES.verify(value, now=100) is None


@pytest.mark.parametrize(
    "value",
    [
        b"modern",
        b"",
        b";;",
        b"modern;100;",
        b"modern;100;" + b"0" * 64,
        Overrides(b"another secret").sign(Stack.MODERN, 100).encode(),
        OVERRIDES.sign(Stack.MODERN, 100).replace("modern", "legacy").encode(),
        OVERRIDES.sign(Stack.MODERN, 100).replace("100", "900").encode(),
        b"x" * 100_000,
        b"\xff\xfe;1;2",
    ],
)
def test_b032_an_override_that_is_not_ours_is_ignored(value: bytes) -> None:
    assert OVERRIDES.verify(value, now=0) is None


def test_a_pin_holds_for_a_day_and_the_newest_are_kept() -> None:
    clock = TestClock()
    pins = Pins(clock)
    pins.keep(pin_of(b"u", b"k"), Stack.LEGACY)
    assert pins.get(pin_of(b"u", b"k")) is Stack.LEGACY
    assert pins.get(pin_of(b"v", b"k")) is None
    assert pins.get(pin_of(b"u", b"l")) is None
    clock.now += KEPT
    assert pins.get(pin_of(b"u", b"k")) is None
    for number in range(LIMIT + 1):
        pins.keep(pin_of(b"%d" % number, b"k"), Stack.MODERN)
    assert pins.get(pin_of(b"0", b"k")) is None
    assert pins.get(pin_of(b"1", b"k")) is Stack.MODERN


@pytest.mark.parametrize(("value", "accepted"), [("", True), ("x" * 16, True), ("x" * 15, False)])
def test_an_empty_secret_is_none_and_a_short_one_is_refused(
    tmp_path: Path, value: str, accepted: bool
) -> None:
    if accepted:
        assert len(settings(tmp_path, secret=value).secret_bytes()) >= 16
    else:
        with pytest.raises(ValueError, match="a secret has at least 16 bytes"):
            settings(tmp_path, secret=value)


def test_a_made_secret_stays_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    first = settings(tmp_path).secret_bytes()
    assert settings(tmp_path).secret_bytes() == first
    assert (tmp_path / "var/secret").stat().st_mode & 0o777 == 0o600


def test_a_pin_is_small_however_long_the_key_is() -> None:
    assert len(pin_of(b"u" * 100_000, b"k" * 100_000)) == 16


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nonsense", "BANYAN_LEGACY='nonsense' is no import string; expected pkg.module:app"),
        (
            "no.such.module:app",
            "BANYAN_LEGACY: cannot import 'no.such.module': No module named 'no'",
        ),
        (
            "tests.stacks:flask_ap",
            "BANYAN_LEGACY: 'tests.stacks' has no 'flask_ap'; the nearest name is 'flask_app'",
        ),
        *(
            (
                f"tests.stacks:{name}",
                f"BANYAN_LEGACY='tests.stacks:{name}' is no app and no factory without arguments: an app takes (environ, start_response) or (scope, receive, send)",
            )
            for name in ("PLAN", "TestClock", "needy_factory", "empty_factory", "async_factory")
        ),
    ],
)
def test_an_import_string_that_names_no_app_says_so(value: str, message: str) -> None:
    with pytest.raises(StackNotFound) as caught:
        load("BANYAN_LEGACY", value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1/0", "BANYAN_LEGACY: loading 'broken' raised ZeroDivisionError: division by zero"),
        (
            "raise SystemExit('no token')",
            "BANYAN_LEGACY: loading 'broken' raised SystemExit: no token",
        ),
        (
            "import no_such_thing",
            "BANYAN_LEGACY: cannot import 'broken': No module named 'no_such_thing'",
        ),
        (
            "def app(): return 1/0",
            "BANYAN_LEGACY: loading 'broken:app' raised ZeroDivisionError: division by zero",
        ),
    ],
)
def test_an_app_that_raises_while_it_is_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    (tmp_path / "broken.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    with pytest.raises(StackNotFound) as caught:
        load("BANYAN_LEGACY", "broken:app")
    assert str(caught.value) == message


def test_access_lines_that_cannot_be_written_cost_nobody_anything() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    before = REGISTRY.get_sample_value("gateway_access_lines_dropped_total") or 0
    log = AccessLog(Full())
    decision = Decision(Stack.LEGACY, Reason.SPLIT, 7)
    for _ in range(100):
        log.observe(Exchange(0.0, "id", "GET /x", "GET", "/x", decision, 1, 200, 0.001))
    log.close()
    assert REGISTRY.get_sample_value("gateway_access_lines_dropped_total") == before + 100


def test_b056_a_reader_that_stands_still_costs_lines_and_blocks_nobody() -> None:
    go_on = threading.Event()

    class Still(io.StringIO):
        def write(self, text: str) -> int:
            go_on.wait(10)
            return len(text)

    before = REGISTRY.get_sample_value("gateway_access_lines_dropped_total") or 0
    log = AccessLog(Still())
    decision = Decision(Stack.LEGACY, Reason.SPLIT, 7)
    for _ in range(20 * 1024):
        log.observe(Exchange(0.0, "id", "GET /x", "GET", "/x", decision, 1, 200, 0.001))
    dropped = (REGISTRY.get_sample_value("gateway_access_lines_dropped_total") or 0) - before
    assert 3 * 1024 <= dropped <= 4 * 1024  # 16 batches wait, one is being written
    go_on.set()
    log.close()


class Pieces(io.StringIO):
    """Remembers what each call wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write(self, text: str) -> int:
        self.written.append(text)
        return len(text)


def test_access_lines_of_several_workers_do_not_run_into_each_other() -> None:
    """They share a pipe, which takes 4096 bytes as one."""
    out = Pieces()
    log = AccessLog(out)
    decision = Decision(Stack.LEGACY, Reason.SPLIT, 7)
    for _ in range(100):
        log.observe(Exchange(0.0, "id", "GET /x", "GET", "/x" * 99, decision, 1, 200, 0.001))
    log.close()
    assert sum(piece.count("\n") for piece in out.written) == 100
    assert all(piece.endswith("\n") and len(piece) <= 4096 for piece in out.written)
    assert len(out.written) < 20


def test_a_line_of_the_log_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Pieces()
    monkeypatch.setattr(sys, "stderr", told)
    configure_logs()
    try:
        structlog.get_logger().info("plan.applied", version=7)
    finally:
        structlog.reset_defaults()
    assert [piece.endswith("}\n") for piece in told.written] == [True]


def test_an_access_line_is_json_and_keeps_what_clients_send_inert() -> None:
    out = io.StringIO()
    log = AccessLog(out)
    decision = Decision(Stack.MODERN, Reason.SPLIT, 7)
    log.observe(Exchange(1.5, "id", "unmatched", "GET", '/\n"\x1b[31m', decision, 3, 404, 0.001))
    log.close()
    assert out.getvalue().count("\n") == 1
    assert json.loads(out.getvalue()) == {
        "at": 1.5,
        "request_id": "id",
        "method": "GET",
        "path": '/\n"\x1b[31m',
        "route": "unmatched",
        "stack": "modern",
        "reason": "split",
        "bucket": 7,
        "plan_version": 3,
        "status": 404,
        "ms": 1.0,
    }


def test_a_factory_is_called_and_an_app_is_not() -> None:
    assert hasattr(load("BANYAN_LEGACY", "tests.stacks:flask_app"), "url_map")
    assert load("BANYAN_LEGACY", "tests.stacks:APP") is load("BANYAN_LEGACY", "tests.stacks:APP")


def test_asgi_and_wsgi_apps_are_told_apart() -> None:
    def plain_asgi(scope: Any, receive: Any, send: Any) -> Any: ...
    def plain_wsgi(environ: Any, start_response: Any) -> Any: ...

    asgi = starlette_app(), plain_asgi, partial(starlette_app())
    wsgi = flask_app(), plain_wsgi, partial(plain_wsgi)
    assert [is_asgi(app) for app in (*asgi, *wsgi)] == [True] * 3 + [False] * 3


def test_a_quantile_is_linear_inside_its_bucket() -> None:
    buckets = {0.1: 50, 0.2: 100, float("inf"): 100}
    assert quantile(0.5, buckets) == pytest.approx(0.1)
    assert quantile(0.75, buckets) == pytest.approx(0.15)
    assert quantile(0.5, {0.1: 0, float("inf"): 4}) == pytest.approx(0.1)
    assert quantile(0.5, {}) is None


def test_the_report_puts_both_stacks_of_a_route_side_by_side() -> None:
    first = 1, *(0 for _ in BOUNDS)  # 0 to 1 ms
    seen = read_traffic(
        {
            "GET /x": {
                "legacy": _stack(9, bins=[9, *first[1:]]),
                "modern": _stack(4, errors=2, bins=[4, *first[1:]]),
            },
            "unmatched": {"legacy": _stack(1, bins=[*first])},
        }
    )
    table = RouteTable((Route("GET", "/x", True, True, 25_000),), Phase.GRADUAL)
    shared, unmatched = report(table, seen)
    assert (shared.route, shared.split) == ("GET /x", 25.0)
    assert (shared.legacy.requests, shared.legacy.error_rate) == (9, 0.0)
    assert (shared.modern.requests, shared.modern.errors, shared.modern.error_rate) == (4, 2, 0.5)
    assert shared.modern.p50 == pytest.approx(0.0005)
    assert (unmatched.route, unmatched.split, unmatched.legacy.requests) == ("unmatched", None, 1)


def _stack(requests: int, errors: int = 0, *, bins: list[int]) -> dict[str, object]:
    return {"requests": requests, "errors": errors, "rescued": 0, "last": 0.0, "bins": bins}
