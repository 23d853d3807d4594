"""What a ramp and a latch keep others from, over the admin API, and what they leave to them."""

from typing import Any
from urllib.parse import quote

import pytest

from gateway.store.ramps import Kept
from tests.control import api as apis
from tests.control.api import PLAN, REASON, Api
from tests.control.judging import ACTS, LATCH, WHO, refused, rolled_back, sentence, started, written

api = apis.api


@pytest.mark.parametrize("modern", [10, 30])
async def test_a_ramping_route_is_shifted_by_nobody_else(api: Api, modern: float) -> None:
    await started(api)
    detail = (
        "GET /who is ramping (running, by api:ann), and this would move it from 25 % to "
        f"{modern} %; to take over: banyan ramp abort 'GET /who'"
    )
    text = PLAN.replace("25", str(modern))
    for method, path, body in (
        ("PATCH", "/plan/routes", api.shift(modern)),
        ("PUT", "/plan", {"document": text, **REASON}),
    ):
        before = written(api)
        answer = await api.ask(method, path, body, if_match='"1"')
        problem = answer.json()
        assert (answer.status, problem["code"], problem["detail"]) == (422, "plan_refused", detail)
        assert written(api) == before


async def test_no_rollback_of_the_plan_moves_a_ramping_route(api: Api) -> None:
    await started(api, steps=[50, 100])
    status, code, detail = await sentence(api, "POST", "/plan/rollback", {"version": 1, **REASON})
    assert (status, code) == (422, "plan_refused")
    assert detail.endswith("to take over: banyan ramp abort 'GET /who'")


async def test_no_rule_of_a_ramping_route_is_removed(api: Api) -> None:
    await started(api)
    path = f"/plan/routes?route={quote(WHO)}&reason=x"
    assert (await sentence(api, "DELETE", path))[:2] == (422, "plan_refused")


async def test_the_phase_does_not_raise_a_ramping_route(api: Api) -> None:
    await started(api)
    body = {"phase": "full", **REASON}
    status, _, detail = await sentence(api, "PUT", "/plan/phase", body)
    assert status == 422
    assert "and the phase would move it; to take over: banyan ramp abort" in detail


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/plan/routes", {"route": WHO, "failover": "never"}),
        ("PATCH", "/plan/routes", {"route": "POST /echo", "modern": 5}),
        ("PUT", "/plan/phase", {"phase": "parallel"}),
        ("PUT", "/plan/kill-switch", {"on": True}),
    ],
    ids=["another field", "another route", "the phase", "the kill switch"],
)
async def test_what_does_not_move_its_split_may_be_done_while_it_ramps(
    api: Api, method: str, path: str, body: dict[str, Any]
) -> None:
    await started(api)
    assert (await api.told(method, path, {**body, **REASON}))["changed"]


async def test_a_latched_route_is_raised_by_nobody(api: Api) -> None:
    rolled_back(api)
    detail = (
        f"GET /who was rolled back ({LATCH}), and this would move it from 5 % to 25 %; "
        "once that is mended: banyan ack 'GET /who'"
    )
    for method, path, body in (
        ("PATCH", "/plan/routes", api.shift(25)),
        ("PUT", "/plan", {"document": PLAN, **REASON}),
        ("POST", "/plan/rollback", {"version": 1, **REASON}),
    ):
        answer = await api.ask(method, path, body, if_match='"2"')
        problem = answer.json()
        assert (answer.status, problem["code"], problem["detail"]) == (422, "plan_refused", detail)
    assert api.store.versions.newest() == 2


async def test_a_latched_route_may_be_lowered(api: Api) -> None:
    rolled_back(api)
    assert (await api.told("PATCH", "/plan/routes", api.shift(1)))["changed"]


@pytest.mark.parametrize("latched", [False, True], ids=["ramping", "latched"])
async def test_a_check_says_what_a_change_would(api: Api, latched: bool) -> None:
    if latched:
        rolled_back(api)
    else:
        await started(api)
    text = PLAN.replace("25", "60")
    checked = await api.ask("POST", "/plan/check", {"document": text})
    version = f'"{api.store.versions.newest()}"'
    changed = await api.ask("PUT", "/plan", {"document": text, **REASON}, if_match=version)
    assert changed.status == 422
    assert checked.status == changed.status


@pytest.mark.parametrize("document", ["{", "[]", '{"route": "GET /who", "state": "resting"}'])
async def test_a_ramp_of_newer_code_is_left_to_it(api: Api, document: str) -> None:
    api.store.ramps.keep(Kept(WHO, 0, document))
    assert await api.told("GET", "/ramps") == []
    said = "newer code has the ramp of GET /who in hand: use the banyan that runs there"
    assert await refused(api, steps=[30]) == (409, "unreadable_ramp", said)
    for what in ACTS:
        assert await refused(api, f"/{what}") == (409, "unreadable_ramp", said)


async def test_a_ramp_of_newer_code_does_not_keep_other_routes_from_being_changed(api: Api) -> None:
    api.store.ramps.keep(Kept(WHO, 0, "{"))
    body = {"route": "POST /echo", "modern": 5, **REASON}
    assert (await api.told("PATCH", "/plan/routes", body))["changed"]
    status, code, detail = await sentence(api, "PATCH", "/plan/routes", api.shift(60))
    assert (status, code) == (422, "plan_refused")
    assert "newer code has it in hand" in detail
