"""What an app of many routers serves is found, to the last route."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.responses import PlainTextResponse
from flask import Blueprint, Flask
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from gateway.inventory import fastapi_endpoints, flask_endpoints
from tests.drive import AsgiTarget, Request
from tests.stacks import gateway

MODULES, DEPTH = 8, 5


async def answer() -> dict[str, str]:
    return {"stack": "modern"}


async def silent(socket: WebSocket) -> None:
    await socket.accept()


def nested(depth: int, name: str) -> APIRouter:
    """A router with one route of each kind, and another one in it."""
    router = APIRouter(prefix=f"/{name}{depth}")
    router.add_api_route("", answer, methods=["GET"])
    router.add_api_route("/{item_id}", answer, methods=["GET", "PUT"])
    router.add_api_route("/hidden", answer, methods=["POST"], include_in_schema=False)
    router.add_api_websocket_route("/ws", silent)
    if depth:
        router.include_router(nested(depth - 1, name))
    return router


def app_of_routers() -> FastAPI:
    app = FastAPI()
    for module in range(MODULES):
        app.include_router(nested(DEPTH, f"m{module}-"), prefix="/api")
    app.websocket("/ws/market")(silent)
    inner = FastAPI()
    inner.add_api_route("/x", answer)
    app.mount("/inner", inner)
    app.mount("/plain", Starlette(routes=[Route("/y", PlainTextResponse("y"))]))
    app.routes.append(Mount("/group", routes=[Route("/z", PlainTextResponse("z"))]))
    return app


def expected() -> set[str]:
    """Spelled out by hand, not by walking."""
    found = set()
    for module in range(MODULES):
        prefix = "/api"
        for depth in range(DEPTH, -1, -1):
            prefix += f"/m{module}-{depth}"
            found |= {
                f"GET {prefix}",
                f"GET {prefix}/{{item_id}}",
                f"PUT {prefix}/{{item_id}}",
                f"POST {prefix}/hidden",
            }
    return found


def ids(served: Any) -> set[str]:
    return {endpoint.id for endpoint in served}


def test_b121_every_route_of_routers_in_routers_is_found_hidden_ones_too() -> None:
    found = ids(fastapi_endpoints(app_of_routers()))
    assert {one for one in found if " /api/" in one} == expected()
    assert len(expected()) == MODULES * (DEPTH + 1) * 4


def test_b121_mounts_are_routes_and_websockets_are_none() -> None:
    found = ids(fastapi_endpoints(app_of_routers()))
    assert {"* /inner/{rest:path}", "* /plain/{rest:path}", "* /group/{rest:path}"} <= found
    assert not [one for one in found if "/ws" in one]


def test_b121_blueprints_in_blueprints_are_found() -> None:
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    inner.get("/x")(lambda: "x")
    outer.register_blueprint(inner, url_prefix="/inner")
    app = Flask("legacy", static_folder=None)
    app.register_blueprint(outer, url_prefix="/outer")
    assert ids(flask_endpoints(app)) == {"GET /outer/inner/x"}


async def test_b121_a_route_in_the_innermost_router_can_be_moved(tmp_path: Path) -> None:
    route = "/api" + "".join(f"/m3-{depth}" for depth in range(DEPTH, -1, -1))
    plan = f"phase: gradual\nroutes:\n  - {{route: GET {route}, modern: 100}}\n"
    async with gateway(tmp_path, plan, _legacy(route), app_of_routers) as app:
        moved = await AsgiTarget(app).send(Request("GET", route))
        assert (moved.status, moved.header("x-served-by")) == (200, "modern")
        hidden = await AsgiTarget(app).send(Request("GET", f"{route}/7"))
        assert hidden.header("x-served-by") == "legacy"


def _legacy(route: str) -> Callable[[], Flask]:
    app = Flask("legacy")
    app.get(route)(lambda: {"stack": "legacy"})
    return lambda: app
