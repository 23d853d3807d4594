"""`front_door: modern` leaves one route to modern's own routing, to try it before the gateway goes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from flask import Flask

from tests.drive import AsgiTarget, Request
from tests.stacks import gateway

PLAN = """\
phase: gradual
routes:
  - {route: 'GET /items/{i}', modern: 100, front_door: DOOR}
  - {route: 'GET /others/{i}', modern: 100}
"""


def legacy() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.add_url_rule("/items/<int:i>", "item", lambda i: {"item": i})
    app.add_url_rule("/others/<int:i>", "other", lambda i: {"other": i})
    return app


def modern() -> FastAPI:
    app = FastAPI()

    @app.get("/items/{i}")
    async def item(i: int) -> dict[str, int]:
        return {"item": i}

    @app.get("/others/{i}")
    async def other(i: int) -> dict[str, int]:
        return {"other": i}

    return app


@pytest.fixture(params=["legacy", "modern"])
async def door(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[str, AsgiTarget]]:
    async with gateway(tmp_path, PLAN.replace("DOOR", request.param), legacy, modern) as app:
        yield request.param, AsgiTarget(app)


@pytest.mark.parametrize(
    ("method", "path", "by_legacys_rules", "by_its_own"),
    [
        ("GET", "/items/3", (200, "modern"), (200, "modern")),
        ("GET", "/items/-1", (404, "legacy"), (200, "modern")),
        ("GET", "/items/abc", (404, "legacy"), (422, "modern")),
        ("GET", "/items/%D9%A3", (200, "modern"), (422, "modern")),
        ("GET", "//items/3", (200, "modern"), (404, "modern")),
        ("HEAD", "/items/3", (200, "modern"), (405, "modern")),
        ("OPTIONS", "/items/3", (200, "legacy"), (405, "modern")),
        ("DELETE", "/items/3", (405, "legacy"), (405, "modern")),
        ("GET", "/others/-1", (404, "legacy"), (404, "legacy")),
        ("OPTIONS", "/others/3", (200, "legacy"), (200, "legacy")),
        ("GET", "/nope", (404, "legacy"), (404, "legacy")),
    ],
)
async def test_what_modern_would_do_by_itself_is_seen_on_this_route_only(
    door: tuple[str, AsgiTarget],
    method: str,
    path: str,
    by_legacys_rules: tuple[int, str],
    by_its_own: tuple[int, str],
) -> None:
    whose, target = door
    answer = await target.send(Request(method, path))
    expected = by_its_own if whose == "modern" else by_legacys_rules
    assert (answer.status, answer.header("x-served-by")) == expected
