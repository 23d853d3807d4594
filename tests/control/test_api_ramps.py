"""Ramps over the admin API: how they begin, how they are seen, and what is refused at their start."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.endpoints import Endpoint, Inventory
from gateway.parity.judge import Judge
from gateway.parity.model import Evidence, Probe
from gateway.parity.report import merged, report_path, write_report
from gateway.plan.document import parse
from gateway.shadow.difference import Difference, Kind
from gateway.store.evidence import Count
from tests.control import api as apis
from tests.control.api import BOTH, PLAN, REASON, WHY, Api, opened_api
from tests.control.judging import (
    ACTS,
    ITEM,
    LATCH,
    ONE,
    SERVED,
    WHO,
    done,
    refused,
    rolled_back,
    sentence,
    split,
    started,
    written,
)

api, empty = apis.api, apis.empty
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"steps": [*range(1, 52)]}, "steps", "at most 50 items"),
    ({"steps": 30}, "steps", "valid tuple"),
    ({"steps": ["30"]}, "steps.0", "'30' is no percentage: a number from 0 to 100; write 30"),
    ({"steps": [101]}, "steps.0", "101 is outside 0 to 100; nearest: 100"),
    ({"steps": [1, 1.00001]}, "steps.1", "1.00001 is finer than 0.001; nearest: 1.000"),
    ({"steps": [True]}, "steps.0", "True is no percentage"),
    ({"hold": "5"}, "hold", "'5' is no duration: a number and s, m, h or d, as in 30m"),
    ({"hold": 5}, "hold", "5 is no duration: a number and s, m, h or d, as in 30m; write 5s"),
    ({"hold": "31d"}, "hold", "31d is no time to hold a step: 1s to 30d"),
    ({"hold": "0s"}, "hold", "0s is no time to hold a step: 1s to 30d"),
    ({"hold": "1s\n"}, "hold", "is no duration"),
    ({"minimum": 0}, "minimum", "greater than or equal to 1"),
    ({"minimum": 10**9 + 1}, "minimum", "less than or equal to 1000000000"),
    ({"minimum": 1.5}, "minimum", "valid integer"),
    ({"minimum": "9"}, "minimum", "valid integer"),
    ({"margin": 1}, "margin", "greater than or equal to 1.1"),
    ({"margin": 11}, "margin", "less than or equal to 10"),
    ({"margin": "2"}, "margin", "valid number"),
    ({"approve": [7.0001]}, "approve.0", "7.0001 is finer than 0.001; nearest: 7.000"),
    ({"step": [1]}, "step", "Extra inputs are not permitted"),
    ({"reason": " "}, "reason", "at least 1 character"),
]  # fmt: skip


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Api]:
    """More routes; the plan has a pattern and a ramp."""
    with opened_api(tmp_path) as opened:
        opened.inventory = SERVED
        opened.apply(
            "phase: gradual\n"
            "routes:\n"
            "  - route: GET /who\n"
            "    modern: 5\n"
            "    ramp: {steps: [5, 25, 100], hold: 1h, minimum: 700, margin: 3, approve: [100]}\n"
            "  - {route: GET /items/**, modern: 10, cohort: things, failover: never}\n"
        )
        yield opened


async def test_where_modern_has_less_than_the_first_step_that_begins_at_once(api: Api) -> None:
    found = await started(api, steps=[50, 100])
    assert (found["split"], found["following"], found["state"]) == (50, 100, "running")
    assert (split(api), api.store.versions.newest()) == (50, 2)
    line = api.store.audit.lines(1)[0]
    assert (line.action, line.subject, line.reason, line.version) == ("ramp.start", WHO, WHY, 2)
    made = api.store.versions.get(2)
    assert (made.actor, made.reason) == ("api:ann", WHY)


async def test_a_split_that_is_there_already_is_held_first(api: Api) -> None:
    for steps, following in (([25, 50], 50), ([1, 5, 30], 30)):
        found = await started(api, steps=steps)
        assert (found["split"], found["following"]) == (25, following)
        assert (split(api), api.store.versions.newest()) == (25, 1)
        line = api.store.audit.lines(1)[0]
        assert (line.action, line.subject, line.version) == ("ramp.start", WHO, None)
        await done(api, "abort")


async def test_what_is_not_given_is_the_plans(served: Api) -> None:
    found = await served.told("POST", "/ramps", {"route": WHO, **REASON})
    assert (found["steps"], found["hold"], found["minimum"]) == ([5, 25, 100], 3600, 700)
    assert (found["margin"], found["approve"]) == (3, [100])


async def test_what_is_given_is_taken_before_the_plans(served: Api) -> None:
    body = {"route": WHO, "hold": "90s", "minimum": 9, "margin": 1.5, "approve": [25], **REASON}
    found = await served.told("POST", "/ramps", body)
    assert (found["steps"], found["hold"], found["minimum"]) == ([5, 25, 100], 90, 9)
    assert (found["margin"], found["approve"]) == (1.5, [25])


async def test_other_steps_leave_out_whom_the_plan_lets_approve(served: Api) -> None:
    found = await started(served, steps=[10, 20])
    assert (found["steps"], found["approve"], found["minimum"]) == ([10, 20], [], 700)


async def test_where_the_plan_says_nothing_the_defaults_hold(api: Api) -> None:
    found = await started(api)
    assert (found["hold"], found["minimum"], found["margin"]) == (1800, 500, 2)
    assert (found["approve"], found["approved"], found["actor"]) == ([], {}, "api:ann")
    assert (found["held"], found["requests"], found["why"]) == (pytest.approx(0, abs=5), 0, "")


async def test_a_route_under_a_pattern_gets_a_rule_of_its_own(served: Api) -> None:
    other = Endpoint("GET", "/items/{n:int}/x")
    served.inventory = Inventory((*BOTH, ONE, other), (*BOTH, ONE, other))
    found = await started(served, ITEM, steps=[20, 100])
    assert (found["route"], found["split"]) == (ITEM, 20)
    current = served.store.versions.current()
    assert current is not None
    rules = {rule.route: rule for rule in parse(current.document).plan.routes}
    own = rules[ITEM]
    assert (float(own.modern), own.cohort, own.failover) == (20, "things", "never")
    assert rules["GET /items/**"].modern == 10


async def test_a_pattern_that_has_no_other_route_is_raised_itself(served: Api) -> None:
    found = await started(served, ITEM, steps=[20, 100])
    assert (found["route"], found["split"], split(served, "GET /items/**")) == (ITEM, 20, 20)


@pytest.mark.parametrize("route", ["GET /items/{n:int}", "GET /items/{id}", "GET /items/{x:int}"])
async def test_a_route_may_be_named_with_other_variables(served: Api, route: str) -> None:
    found = await started(served, route, steps=[10, 100])
    assert found["route"] == ITEM
    assert (await done(served, "pause", route))["state"] == "paused"
    assert served.store.audit.lines(1)[0].subject == ITEM


async def test_a_ramp_that_is_over_makes_room_for_the_next(api: Api) -> None:
    await started(api)
    await done(api, "approve")
    await done(api, "abort")
    found = await started(api, steps=[30, 60])
    assert (found["state"], found["steps"], found["approved"]) == ("running", [30, 60], {})
    assert len(await api.told("GET", "/ramps")) == 1


async def test_all_ramps_are_listed_those_that_are_over_too(served: Api) -> None:
    await started(served, steps=[5, 100])
    await started(served, ITEM, steps=[10, 100])
    await done(served, "abort", ITEM)
    found = [(one["route"], one["state"]) for one in await served.told("GET", "/ramps")]
    assert found == [(ITEM, "aborted"), (WHO, "running")]


async def test_the_requests_are_those_of_this_step(api: Api) -> None:
    api.store.evidence.add([Count(WHO, 1, "modern", 25_000, 40, 0)], [], [])
    await started(api, steps=[50, 100])
    api.store.evidence.add([Count(WHO, 2, "modern", 50_000, 7, 0)], [], [])
    (found,) = await api.told("GET", "/ramps")
    assert found["requests"] == 7


async def test_without_a_plan_there_are_no_ramps(empty: Api) -> None:
    assert (await sentence(empty, "GET", "/ramps"))[:2] == (409, "no_plan")
    for what in ("", *(f"/{act}" for act in ACTS)):
        assert (await refused(empty, what))[:2] == (409, "no_plan")


async def test_a_route_that_nobody_serves_is_404_with_the_nearest(api: Api) -> None:
    said = 404, "no_such_route", "neither stack serves GET /whoo; nearest: GET /who"
    for what in ("", *(f"/{act}" for act in ACTS)):
        assert await refused(api, what, "GET /whoo") == said


@pytest.mark.parametrize("phase", ["parallel", "full"])
async def test_in_a_phase_without_splits_nothing_begins_and_nothing_goes_on(
    api: Api, phase: str
) -> None:
    if phase == "parallel":
        await started(api)
    api.apply(PLAN.replace("gradual", phase))
    said = f"in `phase: {phase}` no split decides; first: banyan phase gradual"
    assert await refused(api, steps=[50]) == (409, "no_gradual_phase", said)
    assert await refused(api, "/advance") == (409, "no_gradual_phase", said)


async def test_a_ramp_can_be_paused_and_ended_in_any_phase(api: Api) -> None:
    await started(api)
    api.apply(PLAN.replace("gradual", "parallel"))
    for what, state in (("pause", "paused"), ("resume", "running"), ("abort", "aborted")):
        assert (await done(api, what))["state"] == state


async def test_a_second_ramp_on_a_route_is_refused_with_the_way_out(api: Api) -> None:
    await started(api)
    said = "GET /who is ramping already; to begin anew: banyan ramp abort 'GET /who'"
    assert await refused(api, steps=[30]) == (409, "ramping", said)
    await done(api, "pause")
    assert await refused(api, steps=[30]) == (409, "ramping", said)


async def test_a_route_that_was_rolled_back_is_refused_until_it_is_acknowledged(api: Api) -> None:
    rolled_back(api)
    said = f"GET /who was rolled back: {LATCH}; once mended: banyan ack 'GET /who'"
    assert await refused(api, steps=[30]) == (409, "latched", said)
    await api.told("POST", "/evidence/ack", {"route": WHO, **REASON})
    assert (await started(api, steps=[30]))["split"] == 30


@pytest.mark.parametrize("route", ["GET /old", "GET /new"])
async def test_a_route_of_one_stack_is_refused(served: Api, route: str) -> None:
    if route == "GET /new":  # a rule opens what legacy does not serve
        served.apply("phase: gradual\nroutes: [{route: GET /new, modern: 100}]\n")
    said = f"{route} is served by one stack only: there is nothing to ramp"
    assert await refused(served, "", route, steps=[30]) == (409, "one_stack", said)
    assert await refused(served, "", route) == (409, "one_stack", said)


async def test_a_route_that_is_at_the_last_step_is_refused(api: Api) -> None:
    for steps, last in (([5, 25], 25), ([5, 20], 20)):
        said = f"GET /who is at 25 %, not below the last step, {last} %"
        assert await refused(api, steps=steps) == (409, "last_step", said)


async def test_without_steps_anywhere_it_says_where_to_give_them(api: Api) -> None:
    said = (
        "the plan has no ramp for GET /who: give steps, as in --steps 1,5,25,100, "
        "or a `ramp` to the route's rule in the plan"
    )
    assert await refused(api) == (422, "no_steps", said)
    assert await refused(api, hold="1h") == (422, "no_steps", said)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"steps": [30, 30]}, "steps rise from above 0: 30 does not follow 30; nearest: [30.0]"),
        ({"steps": [50, 30]}, "steps rise from above 0: 30 does not follow 50; nearest: [30.0, 50.0]"),
        ({"steps": [0, 30]}, "steps rise from above 0: 0 does not follow 0; nearest: [30.0]"),
        ({"steps": [30], "approve": [40]}, "approve: 40 is no step of this ramp; nearest: 30"),
        ({"steps": []}, "steps: Tuple should have at least 1 item after validation, not 0"),
    ],
)  # fmt: skip
async def test_steps_that_make_no_ramp_are_refused_with_the_nearest(
    api: Api, fields: dict[str, Any], said: str
) -> None:
    assert await refused(api, **fields) == (422, "bad_ramp", said)


async def test_what_is_given_must_fit_what_the_plan_says(served: Api) -> None:
    said = "approve: 30 is no step of this ramp; nearest: 25"
    assert await refused(served, approve=[30]) == (422, "bad_ramp", said)


async def test_b082_a_ramp_with_wrong_values_is_refused_at_its_place(api: Api) -> None:
    before = written(api)
    for fields, place, said in WRONG:
        answer = await api.ask("POST", "/ramps", {"route": WHO, "steps": [30], **REASON, **fields})
        problem = answer.json()
        assert (answer.status, problem["code"]) == (422, "invalid_request"), fields
        (fault,) = problem["problems"]
        assert fault["place"] == f"body.{place}"
        assert said in fault["message"]
    assert written(api) == before


async def test_numbers_that_json_does_not_have_are_refused(api: Api) -> None:
    for text in ("NaN", "Infinity", "1e999"):
        for field in (
            '"steps": [%s]',
            '"steps": [30], "margin": %s',
            '"steps": [30], "minimum": %s',
        ):
            body = '{"route": "GET /who", "reason": "x", ' + field % text + "}"
            sent = json.loads(body)
            answer = await api.ask("POST", "/ramps", sent)
            assert (answer.status, answer.json()["code"]) == (422, "invalid_request"), body


async def test_a_step_that_the_gate_forbids_is_refused_and_nothing_is_kept(api: Api) -> None:
    difference = Difference("/price", Kind.TYPE, 1.5, "1.5")
    evidence = Evidence(WHO, [(Probe(WHO, "plain", "GET", "/who"), (difference,))], reached=True)
    report = Judge((), date(2026, 11, 25), "now").report(evidence)
    found = merged(None, Inventory(BOTH, BOTH), "now", {WHO: report})
    write_report(report_path(api.settings.var), found)
    status, code, detail = await refused(api, steps=[30, 100])
    assert (status, code) == (422, "plan_refused")
    assert detail.startswith("a difference stands unexplained on GET /who (/price type)")
    assert api.store.ramps.all() == []
