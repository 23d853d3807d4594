"""Two apps that answer alike unless a test says otherwise, behind a gateway that shadows everything."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask import request as asked
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.app import Gateway
from gateway.store.evidence import Seen
from tests import drive
from tests.stacks import gateway

ROUTE = "GET /x"
PLAN = "phase: gradual\ndefaults: {{shadow: {{sample: 100}}}}\nroutes:\n  - {{route: GET /x, modern: {}}}\n"
Headers = dict[str, str]


class Side:
    """One app: what it says, how often it was asked, and what with."""

    def __init__(self, says: Callable[[], bytes] = lambda: b'{"a":1}') -> None:
        self.says = says
        self.seen: list[Headers] = []
        self.status, self.headers = 200, {"content-type": "application/json"}


def pair(legacy: Side, modern: Side) -> tuple[Flask, Starlette]:
    app = Flask("legacy")

    def view() -> Any:
        legacy.seen.append({name.lower(): value for name, value in asked.headers.items()})
        return legacy.says(), legacy.status, legacy.headers

    async def endpoint(request: Request) -> Response:
        modern.seen.append(dict(request.headers))
        body = await asyncio.to_thread(modern.says)
        return Response(body, modern.status, modern.headers)

    app.add_url_rule("/x", view_func=view, methods=["GET", "POST"])
    return app, Starlette(routes=[Route("/x", endpoint, methods=["GET", "POST"])])


@asynccontextmanager
async def shadowed(
    folder: Path, legacy: Side, modern: Side, percent: int = 0, plan: str = PLAN, **changes: Any
) -> AsyncIterator[Gateway]:
    flask, starlette = pair(legacy, modern)
    text = plan.format(percent)
    async with gateway(folder, text, lambda: flask, lambda: starlette, **changes) as app:
        yield app


async def ask(
    app: Gateway, method: str = "GET", target: str = "/x", **headers: str
) -> drive.Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await drive.AsgiTarget(app).send(drive.Request(method, target, named))


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def outcomes(outcome: str, route: str = ROUTE) -> float:
    return count("gateway_shadow_total", route=route, outcome=outcome)


def dropped(reason: str) -> float:
    return count("gateway_shadow_dropped_total", reason=reason)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def sightings(app: Gateway) -> list[Seen]:
    """What the store knows of differences, once the worker has told it."""
    await app._witness.tell()
    return [one for one in app._store.evidence.sightings() if one.kind == "difference"]
