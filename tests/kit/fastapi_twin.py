"""The API of `flask_twin.py` on FastAPI with the kit."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Query
from fastapi.responses import HTMLResponse

from gateway.kit.compat import Behaviour, first_query, flask_compatible
from tests.drive import AsgiTarget
from tests.kit.flask_twin import DATA

Json = dict[str, Any] | list[Any] | int

router = APIRouter()


def fastapi_twin(*without: Behaviour) -> AsgiTarget:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    flask_compatible(app, without=without)
    app.include_router(router)  # walking app.routes would miss these
    return AsgiTarget(app)


@router.get("/json")
async def get_json() -> dict[str, object]:
    return DATA


@router.get("/list")
async def get_list() -> list[int]:
    return [1, 2]


@router.get("/two")
async def get_two() -> str:
    return "got"


@router.post("/two")
async def post_two() -> str:
    return "posted"


@router.api_route("/slash/", methods=["GET", "POST"])
async def get_slash() -> str:
    return "slash"


@router.put("/items/fixed")
async def put_fixed() -> str:
    return "fixed"


@router.get("/items/{name}")
async def get_item(name: str) -> str:
    return name


@router.options("/by/hand")
async def options_by_hand() -> str:
    return "by hand"


@router.post("/body")
async def post_body(body: Annotated[Json, Body()]) -> Json:
    return body


@router.get("/query")
async def get_query(a: Annotated[str, Query()]) -> str:
    return a


@router.get("/optional")
async def get_optional(a: Annotated[str | None, Depends(first_query("a", "any"))]) -> str | None:
    return a


@router.get("/abort/{status}")
async def get_abort(status: int) -> None:
    raise HTTPException(status)


@router.get("/described")
async def get_described() -> None:
    raise HTTPException(404, 'it\'s <custom>\n& "described"')


@router.get("/allowed")
async def get_allowed() -> HTMLResponse:
    return HTMLResponse("{}", headers={"Access-Control-Allow-Origin": "https://own.example"})


@router.get("/boom")
async def get_boom() -> None:
    raise ValueError("the reason")
