"""What a person does to a ramp over the admin API, and who comes second there."""

from typing import Any

import pytest

from gateway.control.tokens import Role
from gateway.judge.kept import Stored, first
from gateway.judge.ramp import Ramp, RampState
from tests.control import api as apis
from tests.control.api import PLAN, REASON, WHY, Api
from tests.control.judging import ACTS, WHO, done, fields, notices, refused, split, started, stored

api = apis.api


async def test_a_paused_ramp_says_by_whom_and_why_and_goes_on(api: Api) -> None:
    await started(api)
    found = await done(api, "pause")
    assert (found["state"], found["why"]) == ("paused", f"paused by api:ann: {WHY}")
    found = await done(api, "resume")
    assert (found["state"], found["why"]) == ("running", "")


@pytest.mark.parametrize("what", ACTS)
async def test_an_act_has_its_line_in_the_audit_and_its_notice(api: Api, what: str) -> None:
    await started(api)
    found = await done(api, what)
    line = api.store.audit.lines(1)[0]
    assert (line.actor, line.origin, line.action) == ("api:ann", "127.0.0.1", f"ramp.{what}")
    assert (line.subject, line.reason) == (WHO, WHY)
    assert line.version == (2 if what == "advance" else None)
    version = {"version": 2} if what == "advance" else {}
    assert notices(api)[-1] == {
        "action": f"ramp.{what}",
        "state": found["state"],
        "step": found["split"],
        "by": "api:ann",
        "reason": WHY,
        **version,
    }
    assert [one["action"] for one in notices(api)] == ["ramp.start", f"ramp.{what}"]


@pytest.mark.parametrize(
    ("what", "state"), [("pause", "paused"), ("resume", "running"), ("approve", "running")]
)
async def test_what_is_done_twice_is_as_if_done_once(api: Api, what: str, state: str) -> None:
    await started(api)
    first_time, again = await done(api, what), await done(api, what)
    assert (first_time["state"], again["state"]) == (state, state)
    assert (first_time["approved"], first_time["split"]) == (again["approved"], again["split"])


async def test_no_act_loses_the_time_that_a_step_was_held(api: Api) -> None:
    await started(api)
    for what in ("pause", "resume", "approve", "resume", "abort"):
        kept = api.store.ramps.get(WHO)
        assert kept is not None
        ramp = Stored.read(kept).ramp
        held = Ramp(**{**fields(ramp), "held": 100.0, "looked": ramp.looked - 20})
        api.store.ramps.keep(first(held, kept))
        expected = 100 if ramp.state is RampState.PAUSED else 120
        assert (await done(api, what))["held"] == pytest.approx(expected, abs=10)
        assert stored(api).held == pytest.approx(expected, abs=10)


async def test_a_controller_that_was_away_for_long_gives_no_more_than_a_minute(api: Api) -> None:
    """What counts for such a time, the next controller decides."""
    await started(api)
    kept = api.store.ramps.get(WHO)
    assert kept is not None
    ramp = Stored.read(kept).ramp
    api.store.ramps.keep(first(Ramp(**{**fields(ramp), "looked": ramp.looked - 9999}), kept))
    assert (await api.told("GET", "/ramps"))[0]["held"] == 60
    assert (await done(api, "pause"))["held"] == 60


async def test_an_approval_is_for_the_next_step_alone(api: Api) -> None:
    await started(api)
    assert (await done(api, "approve"))["approved"] == {"50": "api:ann"}
    await done(api, "advance")
    assert stored(api).approver is None


async def test_a_step_is_taken_now_whatever_it_waited_for(api: Api) -> None:
    await started(api)
    found = await done(api, "advance")
    assert (found["split"], found["following"], found["held"]) == (50, 100, pytest.approx(0, abs=5))
    assert (split(api), api.store.versions.newest()) == (50, 2)
    assert stored(api).version == 2


async def test_steps_may_be_left_out(api: Api) -> None:
    await started(api)
    found = await done(api, "advance", to=100)
    assert (found["split"], found["following"], split(api)) == (100, None, 100)


async def test_a_paused_ramp_that_takes_a_step_is_paused_on_that(api: Api) -> None:
    await started(api)
    await done(api, "pause")
    found = await done(api, "advance")
    assert (found["split"], found["state"]) == (50, "paused")
    assert found["why"] == f"paused by api:ann: {WHY}"


@pytest.mark.parametrize("to", [25, 30, 0, 50.001])
async def test_only_a_step_that_is_to_come_can_be_taken(api: Api, to: float) -> None:
    await started(api)
    said = f"{to:g} is no step of GET /who that is still to come; those are: 50, 100"
    assert await refused(api, "/advance", to=to) == (422, "no_such_step", said)


async def test_on_the_last_step_there_is_nothing_to_approve_and_none_to_take(api: Api) -> None:
    await started(api)
    await done(api, "advance", to=100)
    said = "GET /who is on its last step, 100 %: it ends by itself"
    assert await refused(api, "/approve") == (409, "last_step", said)
    assert await refused(api, "/advance") == (409, "last_step", said)
    assert await refused(api, "/advance", to=100) == (409, "last_step", said)
    assert (await done(api, "pause"))["state"] == "paused"


async def test_an_ended_ramp_leaves_the_split_and_the_route_is_free(api: Api) -> None:
    await started(api, steps=[50, 100])
    found = await done(api, "abort")
    assert (found["state"], found["split"], found["why"]) == ("aborted", 50, f"by api:ann: {WHY}")
    assert split(api) == 50
    assert (await api.told("PATCH", "/plan/routes", api.shift(60)))["changed"]


@pytest.mark.parametrize("what", ACTS)
async def test_without_a_ramp_there_is_nothing_to_do_it_to(api: Api, what: str) -> None:
    said = "GET /who is not ramping; to begin: banyan ramp start 'GET /who'"
    assert await refused(api, f"/{what}") == (409, "not_ramping", said)


@pytest.mark.parametrize("what", ACTS)
async def test_a_ramp_that_is_over_says_how_it_ended(api: Api, what: str) -> None:
    await started(api)
    await done(api, "abort")
    said = (
        f"GET /who is not ramping (its last ramp is aborted: by api:ann: {WHY}); "
        "to begin: banyan ramp start 'GET /who'"
    )
    assert await refused(api, f"/{what}") == (409, "not_ramping", said)


@pytest.mark.parametrize("what", ["", *(f"/{act}" for act in ACTS)])
async def test_b080_a_viewer_sees_ramps_and_does_nothing_to_them(api: Api, what: str) -> None:
    await started(api)
    assert (await api.ask("GET", "/ramps", role=Role.VIEWER)).status == 200
    before = api.store.ramps.all()
    body = {"route": WHO, **REASON}
    assert await api.refused("POST", f"/ramps{what}", body, Role.VIEWER) == (403, "role_required")
    assert api.store.ramps.all() == before


class Meanwhile:
    """Does something between what an act has read and what it writes."""

    def __init__(self, api: Api, patch: pytest.MonkeyPatch, act: Any) -> None:
        self._act, self._real = act, api.store.notices
        desk, ramps = type(api.context.desk), type(api.store.ramps)
        self._patch(patch, desk, "change")
        self._patch(patch, ramps, "keep")

    def _patch(self, patch: pytest.MonkeyPatch, kind: type, name: str) -> None:
        real = getattr(kind, name)

        def acted(*arguments: Any, **named: Any) -> Any:
            act, self._act = self._act, None
            if act is not None:
                act()
            return real(*arguments, **named)

        patch.setattr(kind, name, acted)


def touched(api: Api) -> None:
    """As the controller does, which writes down what a ramp waits for."""
    kept = api.store.ramps.get(WHO)
    assert kept is not None
    api.store.ramps.keep(kept)


@pytest.mark.parametrize("what", ACTS)
async def test_who_comes_second_at_a_ramp_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    await started(api)
    newest, lines = api.store.versions.newest(), len(api.store.audit.lines(99))
    Meanwhile(api, monkeypatch, lambda: touched(api))
    answer = await api.ask("POST", f"/ramps/{what}", {"route": WHO, **REASON})
    assert (answer.status, answer.json()["code"]) == (409, "ramp_conflict")
    assert answer.json()["detail"] == (
        "the ramp of GET /who was changed meanwhile: look at it, then try again"
    )
    assert (api.store.versions.newest(), len(api.store.audit.lines(99))) == (newest, lines)
    assert len(notices(api)) == 1


@pytest.mark.parametrize("steps", [[25, 50], [50, 100]], ids=["held", "at-once"])
async def test_of_two_who_start_one_starts(
    api: Api, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    ramp = _a_ramp()
    Meanwhile(api, monkeypatch, lambda: api.store.ramps.keep(first(ramp, None)))
    answer = await api.ask("POST", "/ramps", {"route": WHO, "steps": steps, **REASON})
    assert (answer.status, answer.json()["code"]) == (409, "ramp_conflict")
    assert (stored(api).actor, split(api)) == ("cli:bob", 25)


@pytest.mark.parametrize("what", ["", "/advance"])
async def test_a_split_that_was_moved_meanwhile_is_not_moved_back(
    api: Api, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if what:
        await started(api)
    Meanwhile(api, monkeypatch, lambda: api.apply(PLAN.replace("25", "10")))
    body = {"route": WHO, **REASON, **({} if what else {"steps": [50, 100]})}
    answer = await api.ask("POST", f"/ramps{what}", body)
    assert (answer.status, answer.json()["code"]) == (409, "moved")
    assert answer.json()["detail"].startswith("GET /who was moved by somebody else meanwhile")
    assert split(api) == 10


async def test_another_change_of_the_plan_is_no_conflict(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await started(api)
    Meanwhile(api, monkeypatch, lambda: api.apply(f"{PLAN}# a note\n"))
    assert (await done(api, "advance"))["split"] == 50
    assert "# a note" in (await api.told("GET", "/plan"))["document"]


def _a_ramp() -> Ramp:
    return Ramp(
        route=WHO,
        steps=(50_000,),
        hold=60,
        minimum=1,
        margin=2,
        approve=(),
        split=25_000,
        version=1,
        began=0,
        looked=0,
        actor="cli:bob",
    )
