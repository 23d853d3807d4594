"""Ramps: start one, see it, and everything a person may do to it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final, NoReturn

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import ValidationError

from gateway.control.api.evidence import in_turn, look_at, route_of
from gateway.control.auth import Caller, Operator, Viewer
from gateway.control.context import Context, Control, act_of
from gateway.control.evidence import ramp_out
from gateway.control.judging import NewRamp, RampAct, RampJump, RampOut
from gateway.control.problems import ApiProblem, responses
from gateway.judge.edits import with_split
from gateway.judge.kept import Stored, first, notice_of, readable
from gateway.judge.look import Look, Reader
from gateway.judge.ramp import Ramp, RampState
from gateway.plan.desk import Mandate
from gateway.plan.document import PlanRefused, Problem
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

    return await in_turn(control, found)


@router.post("", responses=responses(404, 409, 422), summary="Start a ramp")
async def start(body: NewRamp, caller: Operator, control: Control) -> RampOut:
    """A split below the first step goes there at once; one above it is a step itself, and held."""
    return await in_turn(control, partial(_start, control, body, caller))


@router.post("/pause", responses=responses(404, 409, 422), summary="Pause a ramp")
async def pause(body: RampAct, caller: Operator, control: Control) -> RampOut:
    """Takes no step until it is resumed. The guard goes on watching."""

    def paused(ramp: Ramp) -> Ramp:
        why = f"paused by {caller.actor}: {body.reason}"
        return replace(ramp, state=RampState.PAUSED, why=why)

    return await _changed(control, body, caller, "ramp.pause", paused)


@router.post("/resume", responses=responses(404, 409, 422), summary="Resume a ramp")
async def resume(body: RampAct, caller: Operator, control: Control) -> RampOut:
    """Goes on where it was paused."""

    def resumed(ramp: Ramp) -> Ramp:
        return replace(ramp, state=RampState.RUNNING, why="")

    return await _changed(control, body, caller, "ramp.resume", resumed)


@router.post("/approve", responses=responses(404, 409, 422), summary="Approve the next step")
async def approve(body: RampAct, caller: Operator, control: Control) -> RampOut:
    """The next step needs no proof any more; its time and requests it still needs."""

    def approved(ramp: Ramp) -> Ramp:
        if ramp.following is None:
            raise _on_its_last(ramp)
        return replace(ramp, approved={**ramp.approved, str(ramp.following): caller.actor})

    return await _changed(control, body, caller, "ramp.approve", approved)


@router.post("/abort", responses=responses(404, 409, 422), summary="End a ramp")
async def abort(body: RampAct, caller: Operator, control: Control) -> RampOut:
    """The split stays where it is; from now on it can be shifted by hand."""

    def aborted(ramp: Ramp) -> Ramp:
        return replace(ramp, state=RampState.ABORTED, why=f"by {caller.actor}: {body.reason}")

    return await _changed(control, body, caller, "ramp.abort", aborted)


@router.post("/advance", responses=responses(404, 409, 422), summary="Take a step now")
async def advance(body: RampJump, caller: Operator, control: Control) -> RampOut:
    """The next step, or the one that is named, whatever it still waited for."""
    return await in_turn(control, partial(_advance, control, body, caller))


def _start(control: Context, body: NewRamp, caller: Caller) -> RampOut:
    look = look_at(control)
    route = route_of(look, body.route)
    _check_phase(look)
    _check_free(look, route)
    ramp = _made(look, route, _rule(look, route, body), caller)
    previous = _readable(control, look, route)
    act = act_of(caller, "ramp.start", route.id, body.reason)
    kept = partial(first, replaced=None if previous is None else previous.kept(previous.ramp))
    if route.split < ramp.steps[0]:
        _step(control, ramp, ramp.steps[0], act, kept)
    else:
        control.store.ramps.keep(kept(ramp), act, _telling(control, ramp, act))
    return _shown(control, route)


def _check_free(look: Look, route: Route) -> None:
    """Nobody else has its split in hand, and there is one."""
    if look.live(route.id) is not None:
        detail = f"{route.id} is ramping already; to begin anew: banyan ramp abort '{route.id}'"
        raise ApiProblem(409, "ramping", detail)
    standing = look.standings.get(route.id)
    if standing is not None and standing.latched:
        detail = f"{route.id} was rolled back: {standing.why}; once mended: banyan ack '{route.id}'"
        raise ApiProblem(409, "latched", detail)
    if not (route.legacy and route.modern):
        detail = f"{route.id} is served by one stack only: there is nothing to ramp"
        raise ApiProblem(409, "one_stack", detail)


def _rule(look: Look, route: Route, body: NewRamp) -> RampRule:
    planned = look.governed.rules.get(route.id)
    try:
        rule = body.rule(planned.ramp if planned else None)
    except ValidationError as error:
        fault = error.errors()[0]
        place = "".join(f"{part}: " for part in fault["loc"][:1])
        detail = place + fault["msg"].removeprefix("Value error, ")
        raise ApiProblem(422, "bad_ramp", detail) from error
    if rule is None:
        raise ApiProblem(422, "no_steps", f"the plan has no ramp for {route.id}: {_HOW}")
    return rule


def _made(look: Look, route: Route, rule: RampRule, caller: Caller) -> Ramp:
    if route.split >= rule.buckets[-1]:
        share, last = percent_of(route.split), percent_of(rule.buckets[-1])
        detail = f"{route.id} is at {share:g} %, not below the last step, {last:g} %"
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
    stored = _live(control, look, route)
    ramp = stored.ramp
    if ramp.following is None:
        raise _on_its_last(ramp)
    to = ramp.following if body.to is None else buckets(body.to)
    later = [step for step in ramp.steps if step > ramp.split]
    if to not in later:
        steps = ", ".join(f"{percent_of(step):g}" for step in later)
        detail = (
            f"{percent_of(to):g} is no step of {route.id} that is still to come; those are: {steps}"
        )
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
        return with_split(text, ramp.route, split, governed.rules)

    def along(connection: sa.Connection, version: int) -> None:
        begun = ramp.on(split, version, control.store.database.now(connection))
        if begun.state is RampState.PAUSED:
            begun = replace(begun, why=ramp.why)
        put(connection, kept(begun))
        control.store.notices.write(connection, *notice_of(begun, act, version=version))

    try:
        control.desk.change(edit, act, along=along, mandate=Mandate.RAMP)
    except PlanRefused as refusal:  # the client has sent no lines
        raise PlanRefused(Problem(one.message) for one in refusal.problems) from refusal


async def _changed(
    control: Context,
    body: RampAct,
    caller: Caller,
    action: str,
    change: Callable[[Ramp], Ramp],
) -> RampOut:
    def done() -> RampOut:
        look = look_at(control)
        route = route_of(look, body.route)
        stored = _live(control, look, route)
        held = stored.ramp.passed(look.now, _UNSEEN)
        ramp = change(replace(stored.ramp, held=held, looked=look.now))
        act = act_of(caller, action, route.id, body.reason)
        control.store.ramps.keep(stored.kept(ramp), act, _telling(control, ramp, act))
        return _shown(control, route)

    return await in_turn(control, done)


def _telling(control: Context, ramp: Ramp, act: Act) -> Callable[[sa.Connection], None]:
    return lambda connection: control.store.notices.write(connection, *notice_of(ramp, act))


def _live(control: Context, look: Look, route: Route) -> Stored:
    stored = _readable(control, look, route)
    if stored is None or not stored.ramp.live:
        _not_ramping(route, stored)
    return stored


def _readable(control: Context, look: Look, route: Route) -> Stored | None:
    """The route's ramp, over or not. Raises ApiProblem for one that we cannot read."""
    kept = None if route.id in look.ramps else control.store.ramps.get(route.id)
    if kept is not None and not readable([kept]):
        detail = f"newer code has the ramp of {route.id} in hand: use the banyan that runs there"
        raise ApiProblem(409, "unreadable_ramp", detail)
    return look.ramps.get(route.id)


def _not_ramping(route: Route, last: Stored | None) -> NoReturn:
    how = f" (its last ramp is {last.ramp.state}: {last.ramp.why})" if last else ""
    detail = f"{route.id} is not ramping{how}; to begin: banyan ramp start '{route.id}'"
    raise ApiProblem(409, "not_ramping", detail)


def _on_its_last(ramp: Ramp) -> ApiProblem:
    detail = f"{ramp.route} is on its last step, {percent_of(ramp.split):g} %: it ends by itself"
    return ApiProblem(409, "last_step", detail)


def _check_phase(look: Look) -> None:
    phase = look.governed.table.phase
    if phase is not Phase.GRADUAL:
        detail = f"in `phase: {phase}` no split decides; first: banyan phase gradual"
        raise ApiProblem(409, "no_gradual_phase", detail)


def _shown(control: Context, route: Route) -> RampOut:
    look = look_at(control)
    return ramp_out(look.ledger, look.ramps[route.id].ramp, look.now)
