"""Ramps: start one, see it, and everything a person may do to it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, NoReturn

import sqlalchemy as sa
from anyio import to_thread
from fastapi import APIRouter
from pydantic import ValidationError

from gateway.control.api.evidence import look_at, route_of
from gateway.control.auth import Caller, Operator, Viewer
from gateway.control.context import Context, Control, act_of
from gateway.control.evidence import ramp_out
from gateway.control.judging import NewRamp, RampAct, RampJump, RampOut
from gateway.control.problems import ApiProblem, responses
from gateway.judge.edits import with_split
from gateway.judge.kept import Stored, first
from gateway.judge.look import Look, Reader
from gateway.judge.ramp import Ramp, RampState
from gateway.plan.judging import RampRule
from gateway.plan.numbers import buckets, percent_of
from gateway.routes import Route
from gateway.store.audit import Act
from gateway.store.ramps import Kept, put
from gateway.words import Phase

_UNSEEN: Final = 60.0  # seconds at most that count though no controller has written them down
_HOW: Final = "give steps, as in --steps 1,5,25,100, or a `ramp` to the route's rule in the plan"
router = APIRouter(prefix="/ramps", tags=["judging"], responses=responses(401, 403, 503))


@router.get("", responses=responses(409), summary="Ramps")
async def read(_caller: Viewer, control: Control) -> list[RampOut]:
    """The ramp of each route that has or had one."""

    def found() -> list[RampOut]:
        look = look_at(control)
        return [ramp_out(look.ledger, one.ramp, look.now) for one in look.ramps.values()]

    return await to_thread.run_sync(found)


@router.post("", responses=responses(404, 409, 422), summary="Start a ramp")
async def start(body: NewRamp, caller: Operator, control: Control) -> RampOut:
    """Begins with the first step above the split in force: where modern has no share yet, at once."""
    return await to_thread.run_sync(_start, control, body, caller)


@router.post("/pause", responses=responses(404, 409, 422), summary="Pause a ramp")
async def pause(body: RampAct, caller: Operator, control: Control) -> RampOut:
    """Takes no step until it is resumed. The guard goes on watching."""

    def paused(ramp: Ramp, now: float) -> Ramp:
        held = ramp.passed(now, _UNSEEN)
        why = f"paused by {caller.actor}: {body.reason}"
        return replace(ramp, state=RampState.PAUSED, held=held, looked=now, why=why)

    return await _changed(control, body, caller, "ramp.pause", paused)


@router.post("/resume", responses=responses(404, 409, 422), summary="Resume a ramp")
async def resume(body: RampAct, caller: Operator, control: Control) -> RampOut:
    """Goes on where it was paused."""

    def resumed(ramp: Ramp, now: float) -> Ramp:
        return replace(ramp, state=RampState.RUNNING, looked=now, why="")

    return await _changed(control, body, caller, "ramp.resume", resumed)


@router.post("/approve", responses=responses(404, 409, 422), summary="Approve the next step")
async def approve(body: RampAct, caller: Operator, control: Control) -> RampOut:
    """The next step needs no proof any more; its time and requests it still needs."""

    def approved(ramp: Ramp, now: float) -> Ramp:
        if ramp.following is None:
            raise ApiProblem(409, "last_step", f"{ramp.route} is on its last step")
        held = ramp.passed(now, _UNSEEN)
        known = {**ramp.approved, str(ramp.following): caller.actor}
        return replace(ramp, approved=known, held=held, looked=now)

    return await _changed(control, body, caller, "ramp.approve", approved)


@router.post("/abort", responses=responses(404, 409, 422), summary="End a ramp")
async def abort(body: RampAct, caller: Operator, control: Control) -> RampOut:
    """The split stays where it is; from now on it can be shifted by hand."""

    def aborted(ramp: Ramp, now: float) -> Ramp:
        held = ramp.passed(now, _UNSEEN)
        why = f"by {caller.actor}: {body.reason}"
        return replace(ramp, state=RampState.ABORTED, held=held, looked=now, why=why)

    return await _changed(control, body, caller, "ramp.abort", aborted)


@router.post("/advance", responses=responses(404, 409, 422), summary="Take a step now")
async def advance(body: RampJump, caller: Operator, control: Control) -> RampOut:
    """The next step, or the one that is named, whatever it still waited for."""
    return await to_thread.run_sync(_advance, control, body, caller)


def _start(control: Context, body: NewRamp, caller: Caller) -> RampOut:
    look = look_at(control)
    route = route_of(look, body.route)
    _check_phase(look)
    if look.live(route.id) is not None:
        detail = f"{route.id} is ramping already; to begin anew: banyan ramp abort '{route.id}'"
        raise ApiProblem(409, "ramping", detail)
    standing = look.standings.get(route.id)
    if standing is not None and standing.latched:
        detail = f"{route.id} was rolled back: {standing.why}; once mended: banyan ack '{route.id}'"
        raise ApiProblem(409, "latched", detail)
    ramp = _made(look, route, _rule(look, route, body), caller)
    begun = ramp.steps[0] if route.split < ramp.steps[0] else None
    act = act_of(caller, "ramp.start", route.id, body.reason)
    previous = look.ramps.get(route.id)
    kept = None if previous is None else previous.kept(previous.ramp)
    if begun is None:
        control.store.ramps.keep(first(ramp, kept), act)
    else:
        _step(control, ramp, begun, act, lambda one: first(one, kept))
    return _shown(control, route)


def _rule(look: Look, route: Route, body: NewRamp) -> RampRule:
    planned = look.governed.rules.get(route.id)
    try:
        rule = body.rule(planned.ramp if planned else None)
    except ValidationError as error:
        detail = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ApiProblem(422, "bad_ramp", detail) from error
    if rule is None:
        raise ApiProblem(422, "no_steps", f"the plan has no ramp for {route.id}: {_HOW}")
    return rule


def _made(look: Look, route: Route, rule: RampRule, caller: Caller) -> Ramp:
    if not (route.legacy and route.modern):
        detail = f"{route.id} is served by one stack only: there is nothing to ramp"
        raise ApiProblem(409, "one_stack", detail)
    if route.split >= rule.buckets[-1]:
        detail = f"{route.id} is at {percent_of(route.split):g} %, not below the last step"
        raise ApiProblem(409, "last_step", detail)
    return Ramp(
        route=route.id,
        steps=rule.buckets,
        hold=rule.seconds,
        minimum=rule.minimum,
        margin=rule.margin,
        approve=tuple(map(buckets, rule.approve)),
        split=route.split,
        version=look.version,
        began=look.now,
        looked=look.now,
        actor=caller.actor,
    )


def _advance(control: Context, body: RampJump, caller: Caller) -> RampOut:
    look = look_at(control)
    route = route_of(look, body.route)
    _check_phase(look)
    stored = _live(look, route)
    ramp = stored.ramp
    to = ramp.following if body.to is None else buckets(body.to)
    later = [step for step in ramp.steps if step > ramp.split]
    if to is None or to not in later:
        steps = ", ".join(f"{percent_of(step):g}" for step in later) or "none"
        detail = f"no step that is still to come; those are: {steps}"
        raise ApiProblem(422, "no_such_step", detail)
    act = act_of(caller, "ramp.advance", route.id, body.reason)
    _step(control, ramp, to, act, stored.kept)
    return _shown(control, route)


def _step(control: Context, ramp: Ramp, split: int, act: Act, kept: Callable[[Ramp], Kept]) -> None:
    """The split and the ramp that says so, together or not at all. Raises PlanRefused, RampConflict."""
    reader = Reader(control.settings, control.inventories)

    def edit(text: str) -> str:
        governed = reader(text)
        known = {one.id: one for one in governed.table.routes}
        if ramp.route not in known or known[ramp.route].split != ramp.split:
            raise ApiProblem(409, "moved", f"{ramp.route} was moved by somebody else meanwhile")
        return with_split(text, ramp.route, split, governed.rules.get(ramp.route))

    def along(connection: sa.Connection, version: int) -> None:
        now = control.store.database.now(connection)
        put(connection, kept(ramp.on(split, version, now)))
        document = {"step": percent_of(split), "reason": act.reason, "version": version}
        control.store.notices.write(connection, "ramp", ramp.route, document)

    control.desk.change(edit, act, along=along, free=True)


async def _changed(
    control: Context,
    body: RampAct,
    caller: Caller,
    action: str,
    change: Callable[[Ramp, float], Ramp],
) -> RampOut:
    def done() -> RampOut:
        look = look_at(control)
        route = route_of(look, body.route)
        stored = _live(look, route)
        ramp = change(stored.ramp, look.now)
        document: Mapping[str, object] = {"state": ramp.state.value, "reason": body.reason}
        tell = partial(control.store.notices.write, kind="ramp", route=route.id, document=document)
        act = act_of(caller, action, route.id, body.reason)
        control.store.ramps.keep(stored.kept(ramp), act, tell)
        return _shown(control, route)

    return await to_thread.run_sync(done)


def _live(look: Look, route: Route) -> Stored:
    stored = look.live(route.id)
    if stored is None:
        _not_ramping(look, route)
    return stored


def _not_ramping(look: Look, route: Route) -> NoReturn:
    last = look.ramps.get(route.id)
    how = f" (its last ramp is {last.ramp.state}: {last.ramp.why})" if last else ""
    detail = f"{route.id} is not ramping{how}; to begin: banyan ramp start '{route.id}'"
    raise ApiProblem(409, "not_ramping", detail)


def _check_phase(look: Look) -> None:
    phase = look.governed.table.phase
    if phase is not Phase.GRADUAL:
        raise ApiProblem(409, "no_gradual_phase", f"in `phase: {phase}` no split decides")


def _shown(control: Context, route: Route) -> RampOut:
    look = look_at(control)
    return ramp_out(look.ledger, look.ramps[route.id].ramp, look.now)
