"""What the judge has to go by, and what people do about it over the admin API."""

from itertools import count
from typing import Any

from gateway.endpoints import Endpoint, Inventory
from gateway.judge.kept import Stored
from gateway.judge.ramp import Ramp
from gateway.plan.document import parse
from gateway.store.audit import Act
from gateway.store.evidence import Count, Event, Sighting
from gateway.store.versions import Proposal
from tests.control import api as apis
from tests.control.api import PLAN, REASON, Api

WHO, ITEM = "GET /who", "GET /items/{n:int}"
ONE = Endpoint("GET", "/items/{n:int}")
SERVED = Inventory(
    (*apis.BOTH, ONE, Endpoint("GET", "/old")), (*apis.BOTH, ONE, Endpoint("GET", "/new"))
)
LATCH = "error: modern 30 events; E = 200 >= 100"
FOUND = "KeyError at pricing.quote"
ACTS = ("pause", "resume", "approve", "advance", "abort")
_digests = count()


def counted(api: Api, stack: str, requests: int, events: int = 0, signal: str = "error") -> None:
    """A worker's counts of `/who` under the plan in force; each event is a client's own."""
    newest, failures = api.store.versions.newest(), events if signal == "error" else 0
    found = [Event(f"{next(_digests)}", WHO, newest, stack, 25_000, signal) for _ in range(events)]
    api.store.evidence.add([Count(WHO, newest, stack, 25_000, requests, failures)], found, [])


def seen(api: Api, stack: str, what: str = FOUND, route: str = WHO) -> None:
    api.store.evidence.add([], [], [Sighting(route, stack, "exception", what, 2)])


async def started(api: Api, route: str = WHO, **fields: object) -> dict[str, Any]:
    """A ramp over 25, 50 and 100 %, which is where the plan of `api` has `/who` already."""
    body = {"route": route, "steps": [25, 50, 100], **fields, **REASON}
    found: dict[str, Any] = await api.told("POST", "/ramps", body)
    return found


async def done(api: Api, what: str, route: str = WHO, **fields: object) -> dict[str, Any]:
    body = {"route": route, **fields, **REASON}
    found: dict[str, Any] = await api.told("POST", f"/ramps/{what}", body)
    return found


async def sentence(api: Api, method: str, path: str, body: object = None) -> tuple[int, str, str]:
    """Status, code and detail of a request that is refused and writes nothing."""
    before = written(api)
    answer = await api.ask(method, path, body)
    assert written(api) == before
    assert answer.header("content-type") == "application/problem+json", answer
    problem = answer.json()
    return answer.status, problem["code"], problem["detail"]


async def refused(
    api: Api, what: str = "", route: str = WHO, **fields: object
) -> tuple[int, str, str]:
    body = {"route": route, **REASON, **fields}
    return await sentence(api, "POST", f"/ramps{what}", body)


def written(api: Api) -> object:
    """Everything that an act upon a ramp may write."""
    store = api.store
    lines, notices = len(store.audit.lines(99)), len(store.notices.due(999))
    return store.versions.newest(), store.ramps.all(), lines, notices


def split(api: Api, route: str = WHO) -> float:
    """By its own rule of the plan in force."""
    current = api.store.versions.current()
    assert current is not None
    return float(
        next(rule.modern for rule in parse(current.document).plan.routes if rule.route == route)
    )


def stored(api: Api, route: str = WHO) -> Ramp:
    kept = api.store.ramps.get(route)
    assert kept is not None
    return Stored.read(kept).ramp


def notices(api: Api) -> list[dict[str, Any]]:
    return [dict(one.document) for one in api.store.notices.due(99) if one.kind == "ramp"]


def rolled_back(api: Api, to: int = 5) -> None:
    """As the guard does it."""
    act = Act("guard", "host", "plan.roll_back", WHO, LATCH)
    latch = api.store.standings.latch(WHO, "guard", LATCH)
    newest, text = api.store.versions.newest(), PLAN.replace("25", f"{to}")
    api.store.versions.apply(newest, Proposal(text, act, along=latch))


async def acknowledged(api: Api, route: str = WHO) -> dict[str, Any]:
    found: dict[str, Any] = await api.told("POST", "/evidence/ack", {"route": route, **REASON})
    return found


def fields(ramp: Ramp) -> dict[str, Any]:
    return {name: getattr(ramp, name) for name in Ramp.__slots__}
