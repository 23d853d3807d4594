"""The hot path over real stacks: who answers, what is added, what is counted, what stays out."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.dispatch import Dispatch
from gateway.exchange import Exchange
from gateway.head import HeadReader, UnitSource
from gateway.override import Overrides
from gateway.routes import Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.turn import ActivePlan
from gateway.words import Phase, Reason, Stack
from tests.drive import Answer, AsgiTarget, Request
from tests.stacks import PLAN, Recorder, gateway

OVERRIDES = Overrides(b"secret")


class Broken:
    """An observer with a bug."""

    def observe(self, exchange: Exchange) -> None:
        raise RuntimeError("an observer's bug")


async def ok(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["stack"].encode()})


def dispatch(
    *observers: Any, legacy: Any = ok, modern: Any = ok, split: int = 50_000, **changes: Any
) -> Dispatch:
    made = Dispatch(observers, OVERRIDES, Settings(**changes))
    made.stacks = {Stack.LEGACY: _named("legacy", legacy), Stack.MODERN: _named("modern", modern)}
    made.plan = plan(split)
    return made


def plan(split: int, version: int = 1) -> ActivePlan:
    route = Route("GET", "/x", True, True, split, "", b"key")
    orders = Route("POST", "/x", True, True, split, "", b"key")
    table = RouteTable((route, orders), Phase.GRADUAL, version, key=b"key")
    return ActivePlan(table, HeadReader((UnitSource("header", b"x-api-key"), UnitSource("client"))))


def _named(name: str, app: Any) -> Any:
    async def named(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "stack": name}, receive, send)

    return named


async def get(app: Any, path: str = "/x", method: str = "GET", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await AsgiTarget(app).send(Request(method, path, named))


async def test_a_1000_clients_at_25_percent_then_at_50() -> None:
    app = dispatch(split=25_000)
    before = {key: (await get(app, x_api_key=f"{key}")).body for key in range(1000)}
    again = {key: (await get(app, x_api_key=f"{key}")).body for key in range(1000)}
    app.plan = plan(50_000, version=2)
    after = {key: (await get(app, x_api_key=f"{key}")).body for key in range(1000)}
    modern = [key for key, body in before.items() if body == b"modern"]
    assert 220 <= len(modern) <= 280
    assert again == before
    assert all(after[key] == b"modern" for key in modern)
    assert 450 <= sum(body == b"modern" for body in after.values()) <= 550


async def test_requests_in_flight_during_plan_edits_see_one_whole_plan_each() -> None:
    recorder = Recorder()
    gate = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await ok(scope, receive, send)

    app = dispatch(recorder, legacy=slow, modern=slow)
    tasks = []
    for version in range(20):
        # Even versions send everybody to modern, odd ones to legacy: a mixture would show.
        app.plan = plan(0 if version % 2 else 100_000, version)
        tasks += [asyncio.create_task(get(app, x_api_key=f"{n}")) for n in range(10)]
        await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.status for answer in answers] == [200] * 200
    for exchange in recorder.seen:
        odd = exchange.plan_version % 2
        assert exchange.decision.stack is (Stack.LEGACY if odd else Stack.MODERN)
    assert len(recorder.seen) == 200


@pytest.mark.parametrize("split", [0, 100_000])
async def test_a_long_answer_keeps_no_plan_that_was_replaced(split: int) -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await gate.wait()
        await ok(scope, receive, send)

    async def door(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("a route answers")

    app = dispatch(legacy=slow, modern=slow, split=split)
    app.plan = ActivePlan(app.plan.table, app.plan.reader, door)
    known = weakref.ref(door)
    del door
    task = asyncio.create_task(get(app))
    await begun.wait()
    assert known() is not None
    app.plan = plan(50_000, version=2)
    assert known() is None
    gate.set()
    assert (await task).status == 200


async def test_to_a_server_that_is_not_ours_an_answer_has_nothing_but_what_asgi_knows() -> None:
    seen: list[Any] = []

    async def send(message: Any) -> None:
        seen.append(message)

    async def receive() -> Any:
        raise AssertionError("nobody asks for a body")

    scope = {"type": "http", "method": "GET", "path": "/x", "headers": [], "scheme": "http"}
    await dispatch(split=100_000)({**scope, "client": ("127.0.0.1", 1)}, receive, send)
    assert [set(message) for message in seen] == [{"type", "status", "headers"}, {"type", "body"}]


async def test_an_answer_says_who_answered_and_carries_the_request_id() -> None:
    answer = await get(dispatch(split=0), x_request_id="abc-1")
    assert answer.header("x-served-by") == "legacy"
    assert answer.header("x-request-id") == "abc-1"
    made = (await get(dispatch(split=0))).header("x-request-id")
    assert made is not None
    assert len(made) == 16


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é"])
async def test_a_request_id_that_is_not_sane_is_replaced_for_client_and_stack(given: str) -> None:
    seen: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(value for name, value in scope["headers"] if name == b"x-request-id")
        await ok(scope, receive, send)

    answer = await get(dispatch(legacy=app, split=0), x_request_id=given)
    made = answer.header("x-request-id")
    assert made is not None
    assert seen == [made.encode()]
    assert made != given


async def test_x_served_by_can_be_switched_off() -> None:
    app = dispatch()
    quiet = Dispatch((), OVERRIDES, Settings(served_by=False))
    quiet.stacks, quiet.plan = app.stacks, app.plan
    assert (await get(quiet)).header("x-served-by") is None


async def test_a_signed_override_chooses_the_stack_and_never_reaches_it() -> None:
    recorder = Recorder()
    headers = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers.extend(scope["headers"])
        await ok(scope, receive, send)

    made = dispatch(recorder, modern=app, split=0)
    signed = OVERRIDES.sign(Stack.MODERN, 1 << 40)
    assert (await get(made, x_banyan_stack=signed)).body == b"modern"
    assert recorder.seen[0].decision.reason is Reason.OVERRIDE
    assert not [name for name, _ in headers if name.startswith(b"x-banyan")]


async def test_b032_an_unsigned_override_is_ignored_and_counted() -> None:
    before = REGISTRY.get_sample_value("gateway_overrides_ignored_total") or 0
    assert (await get(dispatch(split=0), x_banyan_stack="modern")).body == b"legacy"
    assert REGISTRY.get_sample_value("gateway_overrides_ignored_total") == before + 1


async def test_an_idempotency_key_stays_with_its_stack_when_the_split_moves() -> None:
    app = dispatch(split=0)
    keyed = {"x_api_key": "a", "idempotency_key": "k1"}
    assert (await get(app, method="POST", **keyed)).body == b"legacy"
    app.plan = plan(100_000)
    assert (await get(app, method="POST", **keyed)).body == b"legacy"
    other = {"x_api_key": "a", "idempotency_key": "k2"}
    assert (await get(app, method="POST", **other)).body == b"modern"


async def test_an_observer_with_a_bug_hurts_neither_the_client_nor_other_observers() -> None:
    recorder = Recorder()
    assert (await get(dispatch(Broken(), recorder, split=0))).status == 200
    assert len(recorder.seen) == 1


async def test_b050_what_an_app_raises_before_its_answer_is_counted_as_500_for_its_stack() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("no answer")

    recorder = Recorder()
    with pytest.raises(ValueError, match="no answer"):
        await get(dispatch(recorder, modern=broken, split=100_000), method="POST")
    assert (recorder.seen[0].decision.stack, recorder.seen[0].status) == (Stack.MODERN, 500)


async def test_b050_an_answer_cut_in_the_middle_counts_as_failed() -> None:
    async def cut(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("cut")

    recorder = Recorder()
    with pytest.raises(ValueError, match="cut"):
        await get(dispatch(recorder, legacy=cut, split=0))
    assert recorder.seen[0].status == 500


async def test_t31_a_client_that_leaves_is_nobodys_failure() -> None:
    async def gone(message: Any) -> None:
        raise ConnectionResetError

    recorder = Recorder()
    app = dispatch(recorder, split=0)
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "headers": [],
        "client": None,
    }
    with pytest.raises(ConnectionResetError):
        await app(scope, _nothing, gone)
    cancelled = asyncio.create_task(app(dict(scope), _nothing, _never))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert [exchange.status for exchange in recorder.seen] == [499, 499]
    assert app.in_flight == {Stack.LEGACY: 0, Stack.MODERN: 0}


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def _never(message: Any) -> None:
    await asyncio.Event().wait()


@pytest.fixture(params=["legacy", "modern"])
async def real(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, Any]]:
    """The gateway over a real Flask and a real Starlette app, everything at one of them."""
    share = 100 if request.param == "modern" else 0
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=share)) as app:
        yield request.param, app


async def test_t13_a_header_with_an_underscore_reaches_no_stack(real: tuple[str, Any]) -> None:
    stack, app = real
    target = AsgiTarget(app)
    answer = await target.send(Request("GET", "/who", {"X_Auth_User": "root", "X-Tenant": "a"}))
    body = answer.json()
    assert body["stack"] == stack
    assert "X-Auth-User" not in body["headers"]
    assert body["headers"]["X-Tenant"] == "a"


async def test_both_stacks_get_the_request_id(real: tuple[str, Any]) -> None:
    _, app = real
    answer = await AsgiTarget(app).send(Request("GET", "/who"))
    assert answer.json()["headers"]["X-Request-Id"] == answer.header("x-request-id")


async def test_head_has_the_headers_of_get_and_no_body(real: tuple[str, Any]) -> None:
    _, app = real
    target = AsgiTarget(app)
    fixed = {"X-Request-Id": "1"}
    got = await target.send(Request("GET", "/who", fixed))
    head = await target.send(Request("HEAD", "/who", fixed))
    assert (head.status, head.body) == (200, b"")
    assert head.header("content-length") == got.header("content-length")


@pytest.mark.parametrize("spelling", ["//who", "///who", "/%2Fwho"])
async def test_b020_leading_slashes_are_no_way_around_a_rule(
    real: tuple[str, Any], spelling: str
) -> None:
    stack, app = real
    answer = await AsgiTarget(app).send(Request("GET", spelling))
    assert (answer.status, answer.header("x-served-by")) == (200, stack)
    assert answer.json()["stack"] == stack


async def test_what_the_plan_does_not_know_gets_the_answer_of_legacy(tmp_path: Path) -> None:
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=100)) as app:
        target = AsgiTarget(app)
        missing = await target.send(Request("GET", "/nope"))
        wrong = await target.send(Request("DELETE", "/who"))
        closed = await target.send(Request("GET", "/new"))
        options = await target.send(Request("OPTIONS", "/who"))
        old = await target.send(Request("GET", "/old"))
    assert [a.header("x-served-by") for a in (missing, wrong, closed, options, old)] == [
        "legacy"
    ] * 5
    assert [a.status for a in (missing, wrong, closed, options, old)] == [404, 405, 404, 200, 200]
    assert b"<h1>Not Found</h1>" in missing.body


async def test_an_exception_in_an_app_is_its_own_500_counted_for_its_stack(tmp_path: Path) -> None:
    text = "phase: gradual\nroutes:\n  - {route: GET /boom, modern: %d}\n"
    counts = []
    for share in (0, 100):
        folder = tmp_path / str(share)
        folder.mkdir()
        async with gateway(folder, text % share) as app:
            answer = await AsgiTarget(app).send(Request("GET", "/boom"))
        assert answer.status == 500
        stack = "modern" if share else "legacy"
        labels = {
            "route": "GET /boom",
            "method": "GET",
            "stack": stack,
            "reason": "split",
            "status": "500",
        }
        counts.append(REGISTRY.get_sample_value("gateway_requests_total", labels))
    assert counts == [1, 1]


async def test_b085_t84_random_paths_make_one_series(tmp_path: Path) -> None:
    def series() -> int:
        return sum(len(metric.samples) for metric in REGISTRY.collect())

    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=0)) as app:
        target = AsgiTarget(app)
        await target.send(Request("GET", "/random"))
        before = series()
        for number in range(300):
            await target.send(Request("GET", f"/random/{number}"))
        assert series() == before
