"""Who would move if a split were another."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from gateway.control.auth import Viewer
from gateway.control.context import Context, Control
from gateway.control.models import MovedOut, RouteName, WhatIfOut
from gateway.control.problems import responses
from gateway.observe.recent import Samples, merged, read_samples
from gateway.plan.compile import compile_plan
from gateway.plan.desk import Outcome
from gateway.plan.document import PlanRefused, parse
from gateway.plan.edit import with_rule
from gateway.plan.numbers import Percent
from gateway.routes import SPACE
from gateway.routing import RouteTable
from gateway.store.workers import Worker
from gateway.whatif import Change, Moved, WhatIf, what_if

_PERCENT: Final = 100 / SPACE
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
router = APIRouter(prefix="/whatif", tags=["explain"], responses=responses(401, 403, 503))


def _number(text: str) -> str | Decimal:
    """In a query everything is text, where a plan tells numbers and text apart."""
    return Decimal(text) if _NUMBER.fullmatch(text) else text


@router.get("", responses=responses(409, 422), summary="Who would move")
async def whatif(
    route: Annotated[RouteName, Query()],
    modern: Annotated[Percent, BeforeValidator(_number), Query(examples=[25])],
    _caller: Viewer,
    control: Control,
) -> WhatIfOut:
    """How many of the clients seen lately a split would move. Changes nothing."""

    def asked() -> WhatIfOut:
        before = control.desk.in_force().document
        after = with_rule(before, route, {"modern": modern})
        control.desk.check(after, before)
        return _between(control, before, after)

    return await to_thread.run_sync(asked)


def moved_by(control: Context, outcome: Outcome) -> WhatIfOut:
    """Who a change has moved."""
    before = outcome.before.document if outcome.before else ""
    if not outcome.changed or not outcome.changes:
        return _out(WhatIf((), 0, 0, True))
    return _between(control, before, outcome.after.document)


def _between(control: Context, before: str, after: str) -> WhatIfOut:
    changes = list(_changes(_table(control, before), _table(control, after)))
    return _out(what_if(changes, _samples(control)))


def _table(control: Context, text: str) -> RouteTable | None:
    inventory = control.inventories()[0]
    secret = control.settings.secret_bytes()
    try:
        return compile_plan(parse(text), inventory, version=0, secret=secret)
    except PlanRefused:  # there was none, or the apps have changed since
        return None


def _changes(before: RouteTable | None, after: RouteTable | None) -> Iterable[Change]:
    """Routes whose share differs and whose clients keep their buckets."""
    old = {route.id: route for route in before.routes} if before else {}
    for route in after.routes if after else ():
        was = old.get(route.id)
        share = before.share(was) if before and was else 0
        now = after.share(route) if after else 0
        if share != now and (was is None or was.key == route.key):
            yield Change(route.id, route.cohort, share, now)


def _samples(control: Context) -> Samples:
    workers = control.store.workers.all()
    return merged(_sample(worker) for worker in workers if worker.alive)


def _sample(worker: Worker) -> Samples:
    try:
        return read_samples(json.loads(worker.recent))
    except ValueError:  # other code has written it
        return {}


def _out(found: WhatIf) -> WhatIfOut:
    return WhatIfOut(
        routes=[_moved(one) for one in found.routes],
        clients=found.clients,
        moved=found.moved,
        exact=found.exact,
    )


def _moved(one: Moved) -> MovedOut:
    return MovedOut(
        route=one.route,
        before=one.before * _PERCENT,
        after=one.after * _PERCENT,
        clients=one.clients,
        to_modern=one.to_modern,
        to_legacy=one.to_legacy,
        exact=one.exact,
    )
