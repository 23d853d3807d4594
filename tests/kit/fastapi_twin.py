"""The API of `flask_twin.py` on FastAPI with the kit."""

from functools import cache
from typing import Annotated, Any

from fastapi import (
    APIRouter,
    Body,
    Depends,
    FastAPI,
    File,
    Form,
    Header,
    HTTPException,
    Query,
    Request,
    UploadFile,
)
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile as Uploaded

from gateway.kit.compat import Behaviour, Cors, FlaskJSONResponse, first_query, flask_compatible
from gateway.kit.compat.fields import FlaskBool, LenientInt
from gateway.kit.compat.pages import html
from tests.drive import AsgiTarget
from tests.drive import Request as Sent
from tests.kit.equal import comparable
from tests.kit.flask_twin import DATA, VALUES, flask_twin

Json = dict[str, Any] | list[Any] | int | float | str | None

router = APIRouter()


class Modelled(BaseModel):
    v: Any


class Named(BaseModel):
    name: str
    qty: Any = 1


class Asked(BaseModel):
    a: str | None = None
    n: LenientInt = None
    flag: FlaskBool = False


_OPEN = Cors()  # as the Flask twin has flask-cors


@cache  # it keeps nothing between requests
def fastapi_twin(*without: Behaviour, cors: Cors | None = _OPEN) -> AsgiTarget:
    app = FastAPI()
    app.include_router(router)  # walking app.routes would miss these
    flask_compatible(app, without=without, cors=cors)
    app.get("/list")(get_list)
    app.post("/two")(post_two)
    app.post("/form")(post_form)
    return AsgiTarget(app)


async def assert_alike(request: Sent) -> None:
    """The twins answer alike."""
    expected = await flask_twin().send(request)
    assert comparable(await fastapi_twin().send(request)) == comparable(expected)


@router.get("/json")
async def get_json() -> dict[str, object]:
    return DATA


def get_list() -> list[int]:
    return [1, 2]


@router.get("/types/{name}", response_model=None)
def get_types(name: str) -> Any:
    return {"v": VALUES[name]}


@router.get("/modelled/{name}")
async def get_modelled(name: str) -> Modelled:
    return Modelled(v=VALUES[name])


@router.get("/two")
async def get_two() -> str:
    return "got é"


async def post_two() -> bytes:
    return b"posted"


@router.get("/slash/")
@router.post("/slash/")
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


@router.get("/mimetype")
async def get_mimetype(type: str) -> Response:  # noqa: A002 (the parameter's name)
    return Response("<a/>", media_type=type)


@router.get("/content-type")
async def get_content_type(type: str) -> Response:  # noqa: A002 (the parameter's name)
    return Response("<a/>", headers={"Content-Type": type})


@router.get("/bare")
async def get_bare() -> Response:
    return Response(b"bare")


@router.get("/teapot")
async def get_teapot() -> Response:
    return html("x", status=418)


@router.delete("/empty", status_code=204)
async def delete_empty() -> None:
    pass


@router.get("/unmodified")
async def get_unmodified() -> Response:
    headers = {"Expires": "0", "Content-Language": "en", "ETag": '"a"'}
    return HTMLResponse("body", 304, headers)


@router.post("/body")
async def post_body(body: Annotated[Json, Body()]) -> dict[str, Json]:
    return {"got": body}


async def user(x_user: Annotated[str | None, Header()] = None) -> None:
    if x_user is None:
        raise HTTPException(401)


@router.post("/guarded", dependencies=[Depends(user)])
async def post_guarded(body: Annotated[Json, Body()]) -> dict[str, Json]:
    return {"got": body}


@router.post("/silent")
async def post_silent(body: Annotated[Any, Body()] = None) -> dict[str, Json]:
    return {"got": body}


@router.post("/named")
async def post_named(body: Named) -> Named:
    return body


async def post_form(request: Request) -> dict[str, Any]:
    fields, files = [], {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, Uploaded):
                files[name] = await _told(value)
            else:
                fields.append([name, value])
    return {"fields": fields, "files": files}


async def _told(file: Uploaded) -> list[Any]:
    text = (await file.read()).decode()
    return [file.filename, file.content_type, len(text), text[:20]]


@router.post("/field")
async def post_field(
    a: Annotated[str, Form()],
    many: Annotated[list[str], Form(default_factory=list)],
    b: Annotated[str | None, Form()] = None,
    n: Annotated[int, Form()] = 7,
) -> dict[str, Any]:
    return {"a": a, "b": b, "n": n, "many": many}


@router.post("/file")
async def post_file(f: Annotated[UploadFile, File()], a: Annotated[str, Form()]) -> list[Any]:
    return [await _told(f), a]


@router.get("/query")
async def get_query(a: Annotated[str, Query()]) -> str:
    return a


@router.get("/optional", response_model=None)
async def get_optional(
    a: Annotated[str | None, Depends(first_query("a", "any"))],
) -> Response:
    return FlaskJSONResponse(a)


async def numbers(
    n: int | None = None, m: int = 5, f: float | None = None
) -> tuple[int | None, int, float | None]:
    return n, m, f


@router.get("/q")
async def get_q(
    given: Annotated[tuple[int | None, int, float | None], Depends(numbers)],
    many: Annotated[list[str], Query(alias="a", default_factory=list)],
    ns: Annotated[list[int], Query(default_factory=list)],
    a: str | None = None,
    flag: bool | None = None,
    off: Annotated[bool, Query()] = False,
) -> dict[str, Any]:
    n, m, f = given
    return {"a": a, "many": many, "n": n, "m": m, "f": f, "ns": ns, "flag": flag, "off": off}


@router.get("/number")
async def get_number(n: int) -> int:
    return n


@router.get("/model")
async def get_model(asked: Annotated[Asked, Query()]) -> Asked:
    return asked


@router.get("/cookies")
async def get_cookies(request: Request) -> dict[str, str]:
    return request.cookies


@router.get("/abort/{status}")
async def get_abort(status: int) -> None:
    raise HTTPException(status)


@router.get("/numbered/{number}")
async def get_numbered(number: int) -> int:
    return number


@router.get("/described")
async def get_described() -> None:
    raise HTTPException(404, 'it\'s <custom>\n& "described"')


@router.get("/allowed")
async def get_allowed() -> HTMLResponse:
    return HTMLResponse("{}", headers={"Access-Control-Allow-Origin": "https://own.example"})


@router.get("/boom")
async def get_boom() -> None:
    raise ValueError("the reason")
