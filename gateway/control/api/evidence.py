"""Evidence for and against modern on a route, and what a person does about a rollback."""

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, TypeVar

from anyio import to_thread
from fastapi import APIRouter, Query

from gateway.control.api.routes import traffic_of
from gateway.control.auth import Operator, Viewer
from gateway.control.context import Context, Control, act_of
from gateway.control.evidence import evidence_out
from gateway.control.judging import Acknowledge, EvidenceOut
from gateway.control.models import RouteName
from gateway.control.problems import ApiProblem, responses
from gateway.judge.look import Look
from gateway.plan.desk import NoPlan
from gateway.plan.diff import rule_key
from gateway.routes import Route

T = TypeVar("T")
router = APIRouter(prefix="/evidence", tags=["judging"], responses=responses(401, 403, 503))


@router.get("", responses=responses(404, 409, 422), summary="Evidence of a route")
async def read(
    route: Annotated[RouteName, Query()], _caller: Viewer, control: Control
) -> EvidenceOut:
    """Both stacks side by side, the verdict, and what is still needed for one."""

    def found() -> EvidenceOut:
        look = look_at(control)
        return next(_shown(look, [route_of(look, route)]))

    return await in_turn(control, found)


@router.get(
    "/all", responses=responses(409), summary="Evidence of every route with a share or shadows"
)
async def read_all(_caller: Viewer, control: Control) -> list[EvidenceOut]:
    """Of each route that has a share of modern's or of shadows, a latch or a ramp."""

    def found() -> list[EvidenceOut]:
        look = look_at(control)
        told = {*look.ramps, *(r for r, standing in look.standings.items() if standing.latched)}
        routes = [
            one for one in look.governed.table.routes if one.split or one.shadow or one.id in told
        ]
        return list(_shown(look, routes))

    return await in_turn(control, found)


@router.post("/ack", responses=responses(404, 409, 422), summary="Acknowledge a rollback")
async def acknowledge(body: Acknowledge, caller: Operator, control: Control) -> EvidenceOut:
    """The route may rise again. Its evidence begins anew, and what was seen on it is known."""

    def done() -> EvidenceOut:
        route = route_of(look_at(control), body.route)
        act = act_of(caller, "guard.ack", route.id, body.reason)
        control.store.standings.acknowledge(route.id, act)
        return next(_shown(look_at(control), [route]))

    return await in_turn(control, done)


async def in_turn(control: Context, work: Callable[[], T]) -> T:
    """One look at a time: what was read for the one before is kept for the next."""

    def worked() -> T:
        with control.looking:
            return work()

    return await to_thread.run_sync(worked)


def look_at(control: Context) -> Look:
    """Raises NoPlan, PlanRefused."""
    look = control.looker.look()
    if look is None:
        control.desk.current()  # says what is missing
        raise NoPlan("there is no plan yet")
    return look


def route_of(look: Look, name: str) -> Route:
    """The route, however its variables are spelled. Raises ApiProblem 404."""
    known = {route.id: route for route in look.governed.table.routes}
    alike = {rule_key(route): route for route in known}
    found = name if name in known else alike.get(rule_key(name))
    if found is None:
        near = next(iter(get_close_matches(name, known, 1, cutoff=0.0)), None)
        hint = f"; nearest: {near}" if near else ""
        detail = f"neither stack serves {name}{hint}"
        raise ApiProblem(404, "no_such_route", detail, nearest=near)
    return known[found]


def _shown(look: Look, routes: Iterable[Route]) -> Iterator[EvidenceOut]:
    """What the workers tell is read once for all of them."""
    traffic = traffic_of(look.workers)
    for route in routes:
        yield evidence_out(look, route, traffic)
