"""The plan: read it, and every way to change it."""

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import structlog
from anyio import to_thread
from fastapi import APIRouter, Header, Query, Response

from gateway.control.api.whatif import moved_by
from gateway.control.auth import Operator, Viewer
from gateway.control.context import Context, Control, act_of
from gateway.control.models import (
    Applied,
    Checked,
    KillSwitch,
    NewPlan,
    PhaseChange,
    PlanOut,
    PlanText,
    Reason,
    RollbackTo,
    RouteName,
    RulePatch,
    WhatIfOut,
    applied,
    changes_out,
)
from gateway.control.problems import ApiProblem, responses
from gateway.errors import BanyanError
from gateway.plan.desk import Outcome
from gateway.plan.document import PlanRefused, Problem, parse
from gateway.plan.edit import with_kill_switch, with_phase, with_rule, without_rule
from gateway.plan.model import Plan
from gateway.store.audit import Act
from gateway.store.errors import VersionConflict
from gateway.store.versions import Version
from gateway.words import Phase

_log = structlog.get_logger()
_ETAG: Final = re.compile(r'"([0-9]{1,9})"')
router = APIRouter(prefix="/plan", tags=["plan"], responses=responses(401, 403, 503))

IfMatch = Annotated[
    str | None,
    Header(
        max_length=64,
        description='The version the change is made for, as `"41"`: 412 if another is in force.',
    ),
]


@router.get("", responses=responses(409), summary="The plan in force")
async def read(_caller: Viewer, control: Control, response: Response) -> PlanOut:
    """The plan in force; its ETag is its version."""
    current = await to_thread.run_sync(control.desk.current)
    response.headers["ETag"] = f'"{current.version}"'
    plan = _read(current.document)
    return PlanOut(
        version=current.version,
        at=current.at,
        actor=current.actor,
        origin=current.origin,
        reason=current.reason,
        document=current.document,
        phase=plan.phase if plan else Phase.PARALLEL,
        kill_switch=bool(plan and plan.kill_switch),
        plan=plan.model_dump(mode="json") if plan else {},
    )


@router.put("", responses=responses(400, 409, 412, 422, 428), summary="Replace the plan")
async def replace(
    body: NewPlan, caller: Operator, control: Control, response: Response, if_match: IfMatch = None
) -> Applied:
    """Replaces the whole plan. `If-Match` is required; `"0"` makes the first one."""
    expected = _version(if_match)
    if expected is None:
        detail = 'replacing the whole plan takes `If-Match: "<version>"`, the one you have read'
        raise ApiProblem(428, "if_match_required", detail)
    act = act_of(caller, "plan.apply", reason=body.reason)
    if expected == 0:
        outcome = await _run(partial(control.desk.first, body.document, act), if_match)
        return await _told(control, outcome, response)
    change = partial(control.desk.change, lambda _: body.document, act, expected)
    return await _told(control, await _run(change, if_match), response)


@router.post("/check", responses=responses(422), summary="Check a plan")
async def check(body: PlanText, _caller: Viewer, control: Control) -> Checked:
    """Whether a plan would be accepted, and what it would change. Changes nothing."""

    def checked() -> Checked:
        current = control.store.versions.current()
        before = current.document if current else None
        changes = control.desk.preview(body.document, before)
        control.desk.check_bars(body.document, before)
        plan = parse(body.document).plan
        above = sum(rule.modern > 0 for rule in plan.routes)
        return Checked(
            phase=plan.phase,
            rules=len(plan.routes),
            above_zero=above,
            changes=changes_out(changes),
        )

    return await control.sampled(checked)


@router.patch("/routes", responses=responses(400, 409, 412, 422), summary="Change a rule")
async def patch_route(
    body: RulePatch,
    caller: Operator,
    control: Control,
    response: Response,
    if_match: IfMatch = None,
) -> Applied:
    """Changes one rule, and adds it if no rule names the route."""
    act = act_of(caller, "plan.shift", body.route, body.reason)
    return await _change(
        control, act, if_match, lambda text: with_rule(text, body.route, body.fields()), response
    )


@router.delete("/routes", responses=responses(400, 404, 409, 412, 422), summary="Remove a rule")
async def delete_route(  # noqa: PLR0913, PLR0917 (each is a parameter of the request)
    route: Annotated[RouteName, Query()],
    reason: Annotated[Reason, Query()],
    caller: Operator,
    control: Control,
    response: Response,
    if_match: IfMatch = None,
) -> Applied:
    """Takes a rule away: patterns and defaults decide again."""
    act = act_of(caller, "plan.remove", route, reason)
    return await _change(control, act, if_match, lambda text: without_rule(text, route), response)


@router.put("/phase", responses=responses(400, 409, 412, 422), summary="Change the phase")
async def set_phase(
    body: PhaseChange,
    caller: Operator,
    control: Control,
    response: Response,
    if_match: IfMatch = None,
) -> Applied:
    """Moves the migration to another phase."""
    act = act_of(caller, "plan.phase", body.phase, body.reason)
    return await _change(
        control, act, if_match, lambda text: with_phase(text, body.phase), response
    )


@router.put("/kill-switch", responses=responses(400, 409, 412, 422), summary="Kill or resume")
async def set_kill_switch(
    body: KillSwitch,
    caller: Operator,
    control: Control,
    response: Response,
    if_match: IfMatch = None,
) -> Applied:
    """Sends everything to legacy, or lets the splits decide again."""
    act = act_of(caller, "plan.kill" if body.on else "plan.resume", reason=body.reason)
    return await _change(
        control, act, if_match, lambda text: with_kill_switch(text, body.on), response
    )


@router.post("/rollback", responses=responses(400, 404, 409, 412, 422), summary="Roll back")
async def roll_back(
    body: RollbackTo,
    caller: Operator,
    control: Control,
    response: Response,
    if_match: IfMatch = None,
) -> Applied:
    """Makes an earlier version the newest again: a new version with its text."""

    target, undone = await to_thread.run_sync(_earlier, control, body.version)

    def back(text: str) -> str:
        if undone is not None and text != undone.document:  # that is not the one to be undone
            raise VersionConflict(undone.version, control.store.versions.newest())
        return target.document

    act = act_of(caller, "plan.rollback", f"version {target.version}", body.reason)
    return await _change(control, act, if_match, back, response)


def _earlier(control: Context, wanted: int | None) -> tuple[Version, Version | None]:
    """Where to go back to; and, if nobody says where to, what is undone."""
    versions = control.store.versions
    if wanted is not None:
        return versions.get(wanted), None
    found = versions.history(2)
    if len(found) < 2:
        detail = "there is no earlier version to go back to"
        raise ApiProblem(409, "nothing_to_roll_back", detail)
    return versions.get(found[1].version), versions.get(found[0].version)


async def _change(
    control: Context, act: Act, if_match: str | None, edit: Callable[[str], str], response: Response
) -> Applied:
    change = partial(control.desk.change, edit, act, _version(if_match))
    try:
        outcome = await _run(change, if_match)
    except PlanRefused as refusal:  # the client has sent no lines
        raise PlanRefused(Problem(one.message) for one in refusal.problems) from refusal
    return await _told(control, outcome, response)


async def _told(control: Context, outcome: Outcome, response: Response) -> Applied:
    response.headers["ETag"] = f'"{outcome.after.version}"'
    try:
        moved = await to_thread.run_sync(moved_by, control, outcome)
    except BanyanError as error:  # the change is made: no answer may say that it is not
        _log.warning("moved.unknown", error=str(error))
        moved = WhatIfOut(routes=[], clients=0, moved=0, exact=False)
    return applied(outcome, moved)


async def _run(change: Callable[[], Outcome], if_match: str | None) -> Outcome:
    """With a precondition, who comes second gets 412 (RFC 9110 §13.1.1); without one, 409."""
    try:
        return await to_thread.run_sync(change)
    except VersionConflict as conflict:
        if if_match is None:
            raise
        raise ApiProblem(
            412, "version_conflict", str(conflict), version=conflict.current
        ) from conflict


def _version(if_match: str | None) -> int | None:
    """Raises ApiProblem 400 for what is no ETag of ours."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        detail = 'If-Match is a version in quotes, as the ETag of `GET /api/v1/plan`: `"41"`'
        raise ApiProblem(400, "bad_if_match", detail)
    return int(found[1])


def _read(text: str) -> Plan | None:
    try:
        return parse(text).plan
    except PlanRefused:  # newer code has written it
        return None
