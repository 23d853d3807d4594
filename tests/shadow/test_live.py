"""Requests that the other stack is asked too: what clients notice of it (nothing), and what is found."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from itertools import count as counting
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.shadow import live
from gateway.shadow.marker import Marker
from gateway.words import Stack
from tests import drive
from tests.shadow.pair import ROUTE, Side, ask, count, dropped, outcomes, shadowed, sightings, until

SECRET = "a secret of sixteen bytes"


def saying(*answers: bytes) -> Callable[[], bytes]:
    """The next one each time."""
    said: Iterator[bytes] = iter(answers)
    return lambda: next(said)


async def outcome(app: Any, wanted: str) -> drive.Answer:
    """Asks once, and waits until the shadow has come to that."""
    before = outcomes(wanted)
    answer = await ask(app)
    await until(lambda: outcomes(wanted) > before)
    return answer


@pytest.mark.parametrize("percent", [0, 100])
async def test_the_other_stack_is_asked_the_same(tmp_path: Path, percent: int) -> None:
    legacy, modern = Side(), Side()
    async with shadowed(tmp_path, legacy, modern, percent) as app:
        before = outcomes("equal")
        await ask(app, target="/x?b=%20", X_Request_Id="seven", Cookie="sid=1", Authorization="me")
        await until(lambda: outcomes("equal") > before)
    (one,), (other,) = legacy.seen, modern.seen
    shadow, first = (other, one) if percent == 0 else (one, other)
    assert "x-banyan-shadow" not in first
    assert shadow.pop("x-banyan-shadow")
    assert shadow == first
    assert shadow["x-request-id"] == "seven"


async def test_a_client_gets_nothing_of_the_shadow(tmp_path: Path) -> None:
    legacy, modern = Side(), Side(lambda: b'{"a":2}')
    modern.headers["set-cookie"] = "from=modern"
    async with shadowed(tmp_path, legacy, modern) as app:
        answer = await outcome(app, "different")
    assert (answer.body, answer.header("set-cookie")) == (b'{"a":1}', None)
    assert answer.header("x-served-by") == "legacy"


@pytest.mark.parametrize("percent", [0, 100])
async def test_a_difference_is_counted_and_told(tmp_path: Path, percent: int) -> None:
    legacy, modern = Side(lambda: b'{"a":1,"b":[1,2]}'), Side(lambda: b'{"a":"1","b":[1,3]}')
    before = {
        one: count("gateway_findings_total", **{"route": ROUTE, "class": one})
        for one in ("type", "value")
    }
    async with shadowed(tmp_path, legacy, modern, percent) as app:
        with capture_logs() as logs:
            await outcome(app, "different")
            await outcome(app, "different")
        (seen,) = await sightings(app)
    assert (seen.route, seen.stack, seen.count, seen.known) == (ROUTE, "modern", 2, False)
    assert seen.what == "/a type; /b/* value"
    for kind, old in before.items():
        assert count("gateway_findings_total", **{"route": ROUTE, "class": kind}) == old + 2
    told = [line for line in logs if line["event"] == "shadow.different"]
    assert [(one["route"], one["places"]) for one in told] == [(ROUTE, seen.what)]


async def test_what_a_stack_says_differently_itself_is_noise(tmp_path: Path) -> None:
    now = counting()
    clock = lambda: json.dumps({"at": next(now)}).encode()  # noqa: E731
    async with shadowed(tmp_path, Side(clock), Side(clock)) as app:
        await outcome(app, "noise")
        assert await sightings(app) == []


async def test_another_type_is_never_noise(tmp_path: Path) -> None:
    now = counting()
    legacy, modern = (
        Side(lambda: b'{"at":%d}' % next(now)),
        Side(lambda: b'{"at":"%d"}' % next(now)),
    )
    async with shadowed(tmp_path, legacy, modern) as app:
        await outcome(app, "different")
        assert [one.what for one in await sightings(app)] == ["/at type"]


async def test_what_parity_accepts_is_no_finding_until_its_day(tmp_path: Path) -> None:
    rules = tmp_path / "parity.yaml"
    rule = "ignore:\n  - {{route: GET /x, path: /a, reason: no client reads it, until: {}}}\n"
    async with shadowed(tmp_path, Side(), Side(lambda: b'{"a":2}')) as app:
        await outcome(app, "different")
        rules.write_text(rule.format("2999-01-01"))
        await outcome(app, "accepted")
        rules.write_text(rule.format("2020-01-01"))
        await outcome(app, "different")
        with capture_logs() as logs:
            rules.write_text("ignore: nonsense\n")
            await outcome(app, "different")
            await outcome(app, "different")
    refused = [line for line in logs if line["event"] == "shadow.rules_refused"]
    assert len(refused) == 1
    assert "parity.yaml" in refused[0]["error"]


async def test_t82_nothing_of_what_was_said_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planted = "hunter2-4711"
    body = json.dumps({"input": planted, planted: 1, "mail": {f"{planted}@x.de": 2}}).encode()
    legacy, modern = Side(), Side(lambda: body)
    modern.headers["x-token"] = planted
    async with shadowed(tmp_path, legacy, modern) as app:
        before = outcomes("different")
        with capture_logs() as logs:
            await ask(
                app, target=f"/x?password={planted}", Authorization=planted, Cookie=f"s={planted}"
            )
            await until(lambda: outcomes("different") > before)
        (seen,) = await sightings(app)
        app.publish()
    assert "hunter2" not in seen.what + repr(logs) + capsys.readouterr().out
    kept = b"".join(file.read_bytes() for file in (tmp_path / "var").iterdir() if file.is_file())
    assert b"hunter2" not in kept
    assert b"header:x-token" in kept


async def test_a_stack_that_raises_differs(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise ValueError("broken")

    with capture_logs() as logs:
        async with shadowed(tmp_path, Side(), Side(fail)) as app:
            await outcome(app, "different")
            assert [one.what for one in await sightings(app)] == ["status:200-500 status"]
    told = [(one["stack"], one["fault"]) for one in logs if one["event"] == "shadow.raised"]
    where = "test_live.test_a_stack_that_raises_differs.<locals>.fail"
    assert told == [(Stack.MODERN, f"ValueError at tests.shadow.{where}")]


async def test_t30_an_error_of_ours_is_logged_and_the_next_shadow_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shadowed(tmp_path, Side(), Side(), shadow_threads=1) as app:
        with monkeypatch.context() as broken, capture_logs() as logs:
            broken.setattr(live, "compare", lambda *_: 1 / 0)
            await outcome(app, "failed")
        assert [line["event"] for line in logs] == ["shadow.failed"]
        await outcome(app, "equal")


async def test_an_app_that_exits_ends_its_shadow_alone(tmp_path: Path) -> None:
    def leave() -> bytes:
        raise SystemExit(3)

    async with shadowed(tmp_path, Side(), Side(leave)) as app:
        await outcome(app, "different")
        await outcome(app, "different")


async def test_t80_a_stack_that_is_dead_costs_clients_nothing_and_the_gateway_little(
    tmp_path: Path,
) -> None:
    """Four shadows wait for it, two more for their turn; the rest is dropped, and none of it is waited for."""
    release = Event()

    def hang() -> bytes:
        release.wait(20)
        return b"late"

    full, unanswered = dropped("full"), outcomes("no_answer")
    began = time.monotonic()
    try:
        async with shadowed(
            tmp_path, Side(), Side(hang), shadow_queue=2, shadow_deadline=1.5
        ) as app:
            for _ in range(20):
                assert (await ask(app)).status == 200
            assert time.monotonic() - began < 1.5
            await until(lambda: dropped("full") == full + 14)
            await until(lambda: outcomes("no_answer") == unanswered + 6)
    finally:
        release.set()


async def test_t04_shadows_have_threads_of_their_own(tmp_path: Path) -> None:
    """A Flask app that hangs for shadows answers clients all the same."""
    hung, release = Event(), Event()
    legacy = Side()

    def hang_in_shadows() -> bytes:
        if "x-banyan-shadow" in legacy.seen[-1]:
            hung.set()
            release.wait(20)
        return b'{"a":1}'

    legacy.says = hang_in_shadows
    plan = "phase: gradual\nroutes:\n  - {{route: GET /x, modern: 50, shadow: {{sample: 100}}}}\n"
    try:
        async with shadowed(
            tmp_path, legacy, Side(), plan=plan, wsgi_threads=1, shadow_threads=1
        ) as app:
            answers = [await ask(app, X_API_Key=str(number)) for number in range(40)]
            assert {one.header("x-served-by") for one in answers} == {"legacy", "modern"}
            assert hung.is_set()
    finally:
        release.set()


async def test_bytes_are_bounded(tmp_path: Path) -> None:
    full = dropped("full")
    body = b'"%s"' % (b"x" * 5000)
    async with shadowed(
        tmp_path, Side(lambda: body), Side(lambda: body), shadow_memory=5000
    ) as app:
        await ask(app)
        assert dropped("full") == full + 1
    async with shadowed(
        tmp_path, Side(lambda: body), Side(lambda: body), shadow_memory=8000
    ) as app:
        for _ in range(3):  # the room comes back
            await outcome(app, "equal")


async def test_an_answer_that_is_too_large_is_not_compared(tmp_path: Path) -> None:
    large = dropped("large")
    body = b"x" * ((1 << 20) + 1)
    async with shadowed(tmp_path, Side(lambda: body), Side()) as app:
        assert len((await ask(app)).body) == len(body)
        assert dropped("large") == large + 1
    async with shadowed(tmp_path, Side(), Side(lambda: body)) as app:
        await outcome(app, "different")
        assert [one.what for one in await sightings(app)] == ["body length"]


async def test_t79_what_writes_is_not_asked_twice(tmp_path: Path) -> None:
    legacy, modern = Side(), Side()
    async with shadowed(tmp_path, legacy, modern) as app:
        await ask(app, "POST")
        await outcome(app, "equal")
    assert (len(legacy.seen), len(modern.seen)) == (2, 1)


async def test_a_request_with_a_body_is_not_asked_twice(tmp_path: Path) -> None:
    legacy, modern, before = Side(), Side(), dropped("body")
    async with shadowed(tmp_path, legacy, modern) as app:
        await drive.AsgiTarget(app).send(drive.Request("GET", "/x", body=b"a query"))
        assert dropped("body") == before + 1
    assert modern.seen == []


async def test_head_is_shadowed_as_get_is(tmp_path: Path) -> None:
    legacy, modern, before = Side(), Side(), outcomes("equal")
    async with shadowed(tmp_path, legacy, modern) as app:
        assert (await ask(app, "HEAD")).body == b""
        await until(lambda: outcomes("equal") > before)


async def test_what_failed_over_is_not_compared(tmp_path: Path) -> None:
    legacy, modern, before = Side(), Side(), dropped("failed_over")
    modern.status = 500
    async with shadowed(tmp_path, legacy, modern, 100) as app:
        assert (await ask(app)).status == 200
        assert dropped("failed_over") == before + 1


async def test_while_a_breaker_is_open_modern_is_spared(tmp_path: Path) -> None:
    legacy, modern = Side(), Side()
    modern.status = 500
    async with shadowed(tmp_path, legacy, modern, 100) as app:
        while ROUTE not in app.dispatch.breakers.tripped:
            await ask(app)
        asked = len(modern.seen)
        modern.status = 200
        assert (await ask(app)).header("x-served-by") == "legacy"
        await asyncio.sleep(0.1)
    assert len(modern.seen) == asked


async def test_a_client_cannot_say_that_it_is_a_shadow(tmp_path: Path) -> None:
    legacy, modern = Side(), Side()
    forged = ["1", f"{int(time.time()) + 60};{'0' * 64}", "9999999999;", ";"]
    name, value = Marker(b"another secret of sixteen").header(time.time())
    async with shadowed(tmp_path, legacy, modern, secret=SECRET) as app:
        for header in (*forged, value.decode()):
            assert (await ask(app, **{name.decode(): header})).status == 200
    clients = [one for one in legacy.seen if "x-banyan-shadow" in one]
    assert clients == []


async def test_t80_a_shadow_that_comes_back_is_refused(tmp_path: Path) -> None:
    legacy, modern = Side(), Side()
    name, value = Marker(SECRET.encode()).header(time.time())
    old = Marker(SECRET.encode()).header(time.time() - 3600)[1]
    async with shadowed(tmp_path, legacy, modern, secret=SECRET) as app:
        answer = await ask(app, **{name.decode(): value.decode()})
        assert answer.status == 508
        assert "gateway" in answer.json()["error"]
        assert legacy.seen == []
        assert (await ask(app, **{name.decode(): old.decode()})).status == 200


PHASES = {
    "phase: parallel\ndefaults: {{shadow: {{sample: 100}}}}\nroutes: []\n": True,
    "phase: full\ndefaults: {{shadow: {{sample: 100}}}}\nroutes: []\n": False,
    "phase: gradual\nkill_switch: true\ndefaults: {{shadow: {{sample: 100}}}}\nroutes: []\n": False,
    "phase: gradual\ndefaults: {{shadow: {{sample: 100}}}}\nroutes:\n  - {{route: GET /x, modern: 5, shadow: {{sample: 0}}}}\n": False,
    "phase: gradual\nroutes:\n  - {{route: '* /**', modern: 0, shadow: {{sample: 100}}}}\n": True,
    "phase: gradual\nroutes: []\n": False,
}


@pytest.mark.parametrize("plan", PHASES)
async def test_which_routes_are_shadowed(tmp_path: Path, plan: str) -> None:
    legacy, modern = Side(), Side()
    async with shadowed(tmp_path, legacy, modern, plan=plan) as app:
        await ask(app)
        await ask(app, "POST")
        if PHASES[plan]:
            await until(lambda: modern.seen)
        await asyncio.sleep(0.05)
    assert len(legacy.seen) + len(modern.seen) == (3 if PHASES[plan] else 2)


async def test_a_sample_is_a_sample(tmp_path: Path) -> None:
    legacy, modern = Side(), Side()
    plan = "phase: parallel\ndefaults: {{shadow: {{sample: 25}}}}\nroutes: []\n"
    async with shadowed(tmp_path, legacy, modern, plan=plan, shadow_queue=1000) as app:
        before = outcomes("equal")
        for _ in range(800):
            await ask(app)
        await asyncio.sleep(0.1)
        await until(lambda: outcomes("equal") - before == len(modern.seen))
    assert 140 < len(modern.seen) < 260  # 4.9 standard deviations


async def test_a_shadow_waits_while_the_loop_is_busy_but_not_for_ever(tmp_path: Path) -> None:
    """Whatever the loop does takes longer than it may in a lull."""
    legacy, modern, ended = Side(), Side(), asyncio.Event()

    async def busy() -> None:
        while not ended.is_set():
            time.sleep(0.001)  # noqa: ASYNC251 (a request that computes)
            await asyncio.sleep(0)

    async with shadowed(tmp_path, legacy, modern) as app, asyncio.TaskGroup() as tasks:
        tasks.create_task(busy())
        began = time.monotonic()
        await outcome(app, "equal")
        assert (
            time.monotonic() - began > 100 * 0.001
        )  # tries, and what the loop takes for each at least
        ended.set()
