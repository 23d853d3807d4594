"""Where modern fails, legacy may answer: safe requests, before the first byte, once, within a budget."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.breakers import Breakers
from gateway.dispatch import Dispatch
from gateway.failover import FLOOR, WINDOW, Budget
from gateway.head import HeadReader, UnitSource
from gateway.judge.breaker import Breaker
from gateway.observe.metrics import Metrics
from gateway.override import Overrides
from gateway.routes import SPACE, Route
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.turn import ActivePlan
from gateway.words import Phase, Reason, Stack
from tests.drive import Answer, AsgiTarget, Request
from tests.stacks import Recorder

App = Callable[[Any, Any, Any], Awaitable[None]]
OVERRIDES = Overrides(b"secret")


def answering(status: int, body: bytes = b"") -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


async def raising(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("modern is broken")


async def exiting(scope: Any, receive: Any, send: Any) -> None:
    raise SystemExit(3)


async def hanging(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.Event().wait()


async def cut(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise ValueError("modern broke in the middle")


class Counting:
    """An app that counts its calls."""

    def __init__(self, app: App) -> None:
        self.calls = 0
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await self._app(scope, receive, send)


class Untripped(dict[str, Breaker]):
    """No breaker opens: what is above the budget is seen before one has its say."""

    def __setitem__(self, route: str, breaker: Breaker) -> None:
        """Keeps nothing."""


def dispatch(
    modern: App, legacy: App | None = None, *, failover: bool = True, **changes: Any
) -> tuple[Dispatch, Recorder]:
    """Everything at modern."""
    recorder = Recorder()
    made = Dispatch([recorder], OVERRIDES, Settings(**changes), Breakers(tripped=Untripped()))
    made.stacks = {Stack.LEGACY: legacy or answering(200, b"legacy"), Stack.MODERN: modern}
    routes = tuple(
        Route(method, "/x", True, True, SPACE, "", b"key", failover) for method in ("GET", "POST")
    )
    table = RouteTable(routes, Phase.GRADUAL, 1, key=b"key")
    made.plan = ActivePlan(table, HeadReader((UnitSource("client"),)))
    return made, recorder


async def ask(app: Dispatch, method: str = "GET", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await AsgiTarget(app).send(Request(method, "/x", named))


@pytest.mark.parametrize(
    ("modern", "status"),
    [(answering(500), 500), (answering(503), 503), (raising, 500), (exiting, 500)],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_b053_a_safe_request_that_modern_fails_is_answered_by_legacy_and_counts_against_modern(
    modern: App, status: int, method: str
) -> None:
    app, recorder = dispatch(modern)
    answer = await ask(app, method)
    assert (answer.status, answer.header("x-served-by")) == (200, "legacy")
    seen = recorder.seen[0]
    assert (seen.decision.stack, seen.decision.reason) == (Stack.MODERN, Reason.SPLIT)
    assert (seen.failed, seen.status) == (status, 200)
    assert app.in_flight == {Stack.LEGACY: 0, Stack.MODERN: 0}


async def test_b051_b053_modern_that_hangs_is_left_at_the_deadline_and_legacy_answers() -> None:
    app, recorder = dispatch(hanging, deadline=0.001)
    task = asyncio.create_task(ask(app))
    while not task.done():
        app.cancel_overdue()
        await asyncio.sleep(0)
    assert (await task).body == b"legacy"
    assert recorder.seen[0].failed == 504


async def test_b051_without_another_stack_a_hanging_one_is_504() -> None:
    app, recorder = dispatch(hanging, deadline=0.001, failover=False)
    task = asyncio.create_task(ask(app))
    while not task.done():
        app.cancel_overdue()
        await asyncio.sleep(0)
    assert (await task).status == 504
    assert (await task).json() == {"error": "No answer within 0.001 seconds"}
    assert recorder.seen[0].status == 504


async def test_an_answer_that_has_begun_has_no_deadline() -> None:
    ends = asyncio.Event()

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await ends.wait()
        await send({"type": "http.response.body", "body": b"done"})

    app, _ = dispatch(streaming, deadline=0.001)
    task = asyncio.create_task(ask(app))
    for _ in range(20):
        await asyncio.sleep(0.001)
        app.cancel_overdue()
    ends.set()
    assert (await task).body == b"done"


@pytest.mark.parametrize("modern", [answering(500), raising])
async def test_b053_a_post_that_modern_fails_is_its_failure_and_never_executed_twice(
    modern: App,
) -> None:
    legacy, counted = Counting(answering(200)), Counting(modern)
    app, recorder = dispatch(counted, legacy)
    if modern is raising:
        with pytest.raises(ValueError, match="modern is broken"):
            await ask(app, "POST")
    else:
        assert (await ask(app, "POST")).status == 500
    assert (counted.calls, legacy.calls) == (1, 0)
    assert (recorder.seen[0].status, recorder.seen[0].failed) == (500, 0)


async def test_t81_after_the_first_byte_there_is_no_other_answer() -> None:
    legacy = Counting(answering(200))
    app, recorder = dispatch(cut, legacy)
    with pytest.raises(ValueError, match="in the middle"):
        await ask(app)
    assert legacy.calls == 0
    assert recorder.seen[0].status == 500


async def test_b063_a_short_answer_that_breaks_in_its_middle_is_answered_by_legacy() -> None:
    async def breaking(scope: Any, receive: Any, send: Any) -> None:
        length = [(b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("modern broke in the middle")

    app, recorder = dispatch(breaking)
    assert (await ask(app)).body == b"legacy"
    assert (recorder.seen[0].failed, recorder.seen[0].status) == (500, 200)


async def test_an_answer_of_unknown_length_is_sent_as_it_comes() -> None:
    goes_on, sent = asyncio.Event(), []

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await goes_on.wait()
        await send({"type": "http.response.body", "body": b"event"})

    async def send(message: Any) -> None:
        sent.append(message["type"])

    app, _ = dispatch(streaming)
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "headers": [],
        "client": None,
    }
    task = asyncio.create_task(app(scope, hanging_receive, send))
    while not sent:
        await asyncio.sleep(0)
    assert sent == ["http.response.start"]
    goes_on.set()
    await task


async def hanging_receive() -> Any:
    await asyncio.Event().wait()


async def test_a_get_with_a_body_is_not_asked_again() -> None:
    legacy = Counting(answering(200))
    app, _ = dispatch(answering(500), legacy)
    answer = await AsgiTarget(app).send(Request("GET", "/x", {}, b"body"))
    assert (answer.status, legacy.calls) == (500, 0)


async def test_failover_never_means_never() -> None:
    app, _ = dispatch(answering(500), failover=False)
    assert (await ask(app)).status == 500


async def test_who_asks_for_modern_by_an_override_gets_its_failure() -> None:
    app, _ = dispatch(answering(500))
    signed = OVERRIDES.sign(Stack.MODERN, 1 << 40)
    assert (await ask(app, x_banyan_stack=signed)).status == 500


async def test_legacy_that_fails_too_is_the_answer_and_is_asked_once() -> None:
    legacy = Counting(answering(502, b"legacy is broken"))
    app, recorder = dispatch(answering(500), legacy)
    answer = await ask(app)
    assert (answer.status, answer.body, legacy.calls) == (502, b"legacy is broken", 1)
    assert (recorder.seen[0].failed, recorder.seen[0].status) == (500, 502)


async def test_legacy_gets_the_request_as_it_came_whatever_modern_did_to_it() -> None:
    scopes = []

    async def writing(scope: Any, receive: Any, send: Any) -> None:
        scope["path"] = "/changed"
        assert await receive() == {"type": "http.request", "body": b"", "more_body": False}
        raise ValueError("after reading")

    async def legacy(scope: Any, receive: Any, send: Any) -> None:
        scopes.append((scope["path"], await receive()))
        await answering(200)(scope, receive, send)

    app, _ = dispatch(writing, legacy)
    await ask(app)
    assert scopes == [("/x", {"type": "http.request", "body": b"", "more_body": False})]


async def test_over_the_budget_the_client_gets_moderns_failure_and_it_is_told_why() -> None:
    app, recorder = dispatch(answering(500))
    statuses = [(await ask(app)).status for _ in range(FLOOR * WINDOW + 5)]
    assert statuses == [200] * (FLOOR * WINDOW) + [500] * 5
    assert [e.over_budget for e in recorder.seen] == [False] * (FLOOR * WINDOW) + [True] * 5


async def test_failovers_are_counted_by_outcome_and_modern_has_the_failure() -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"route": "GET /x", **labels}) or 0

    failure = {"method": "GET", "stack": "modern", "reason": "split", "status": "500"}
    before = (
        value("gateway_failovers_total", outcome="rescued"),
        value("gateway_requests_total", **failure),
    )
    metrics = Metrics()
    recorder = Recorder()
    app, recorder = dispatch(answering(500))
    await ask(app)
    metrics.observe(recorder.seen[0])
    metrics.flush()
    after = (
        value("gateway_failovers_total", outcome="rescued"),
        value("gateway_requests_total", **failure),
    )
    assert after == (before[0] + 1, before[1] + 1)


def test_the_budget_is_a_fifth_of_the_requests_of_the_last_ten_seconds() -> None:
    budget = Budget()
    for _ in range(WINDOW):
        budget.requests += 1000
        budget.tick()
    allowed = sum(budget.take() for _ in range(10_000))
    assert allowed == (WINDOW - 1) * 200  # the oldest second has left the window
    for _ in range(WINDOW):
        budget.tick()
    assert sum(budget.take() for _ in range(10_000)) == FLOOR * WINDOW


@pytest.mark.parametrize(("declared", "chunks"), [(True, [b"hello"]), (False, [b"hel", b"lo"])])
@pytest.mark.parametrize("split", [0, SPACE])
async def test_b042_a_body_above_the_limit_is_413_and_no_app_gets_it_whole(
    declared: bool, chunks: list[bytes], split: int
) -> None:
    read = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
        read.append(True)
        await answering(200)(scope, receive, send)

    app, recorder = dispatch(reading, reading, body_limit=4)
    framing = (b"content-length", b"5") if declared else (b"transfer-encoding", b"chunked")
    messages = [{"type": "http.request", "body": c, "more_body": c != chunks[-1]} for c in chunks]
    sent: list[Any] = []

    async def receive() -> Any:
        assert not declared, "a byte was read of a body that is known to be too large"
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [framing], "client": None}
    await app(scope, receive, send)
    assert (sent[0]["status"], read) == (413, [])
    assert (b"connection", b"close") in sent[0]["headers"]
    assert recorder.seen[0].status == 413
