"""The routes that a team writes in FastAPI's own way until it is told what clients notice."""

import gzip
from collections.abc import Iterator
from hashlib import sha256
from time import sleep
from typing import Annotated, Any, Final

import jwt
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    HTTPException,
    Query,
    Request,
    Response,
)
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import (
    FileResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from fastapi.security import HTTPBasic, HTTPBasicCredentials, OAuth2PasswordBearer
from pydantic import BaseModel

from tests.differential.views.answers import JWT_KEY
from tests.differential.views.files import FILE, LARGE, REPETITIVE
from tests.parity.in_time import fails

router = APIRouter()
_ANY: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_OCTETS: Final = "application/octet-stream"


class Partial(BaseModel):
    a: int
    b: str | None = None


class Typed(BaseModel):
    a: int


class Item(BaseModel):
    name: str
    qty: int = 1


@router.get("/items/{item_id}", name="item", response_model=None)
def item(item_id: int) -> dict[str, Any]:
    return {"id": item_id}


@router.get("/fl/{x}", response_model=None)
def real(x: float) -> dict[str, Any]:
    return {"x": x}


@router.get("/u/{name}", response_model=None)
def somebody(name: str) -> dict[str, Any]:
    return {"somebody": name}


@router.get("/u/me", response_model=None)
def myself() -> dict[str, Any]:
    return {"me": True}


@router.get("/partial", response_model=Partial)
def partial() -> dict[str, Any]:
    return {"a": 1}


@router.get("/extra", response_model=Typed)
def extra() -> dict[str, Any]:
    return {"a": 1, "zz": 9}


@router.get("/mistyped", response_model=Typed)
def mistyped() -> dict[str, Any]:
    return {"a": "x"}


@router.get("/teapot", response_model=None)
def teapot() -> Response:
    return PlainTextResponse("x", status_code=418)


@router.get("/status299", response_model=None)
def status299() -> Response:
    return PlainTextResponse("x", status_code=299)


@router.get("/304", response_model=None)
def not_modified() -> Response:
    return PlainTextResponse("body", status_code=304)


@router.get("/xhdr", response_model=None)
def own_headers() -> Response:
    response = PlainTextResponse("headers", headers={"X-Latin": "é", "X-Empty": ""})
    response.headers.append("X-Multi", "1")
    response.headers.append("X-Multi", "2")
    return response


@router.get("/cookie", response_model=None)
def cookie() -> Response:
    response = PlainTextResponse("cookies")
    response.set_cookie("a", "1")
    response.set_cookie("b", "x y;é", max_age=60, httponly=True, secure=True, samesite="lax")
    response.delete_cookie("z")
    return response


@router.get("/sess", response_model=None)
def write_session(request: Request) -> str:
    request.session["u"] = 1
    return "session"


@router.get("/slowgen", response_model=None)
def slowgen(parts: int = 50, pause: float = 0.1) -> Response:
    def generated() -> Iterator[str]:
        for n in range(parts):
            yield f"{n}\n"
            sleep(pause)

    return StreamingResponse(generated(), media_type="text/plain")


@router.get("/later", response_model=None)
def later(tasks: BackgroundTasks) -> dict[str, Any]:
    tasks.add_task(fails)
    return {"accepted": True}


@router.post("/jitem", response_model=None)
def jitem(document: Item) -> dict[str, Any]:
    return {"name": document.name, "qty": document.qty}


@router.post("/jsilent", response_model=None)
async def jsilent(request: Request) -> dict[str, Any]:
    try:
        got = await request.json()
    except ValueError:
        got = None
    return {"got": got, "force": got}


@router.get("/l", response_model=None)
def listed(a: Annotated[list[int], Query()] = []) -> dict[str, Any]:  # noqa: B006 (as FastAPI's manual has it)
    return {"a": a}


@router.api_route("/raw", methods=_ANY, response_model=None)
async def raw(request: Request) -> dict[str, Any]:
    body = await request.body()
    return {
        "len": len(body),
        "cl": request.headers.get("content-length"),
        "te": request.headers.get("transfer-encoding"),
        "sha": sha256(body).hexdigest(),
    }


@router.post("/limit", response_model=None)
async def limit(request: Request) -> dict[str, Any]:
    return {"len": len(await request.body())}


@router.get("/hdr", response_model=None)
def headers(request: Request) -> dict[str, Any]:
    return {
        "x": request.headers.get("X-Dup"),
        "xl": request.headers.getlist("X-Dup"),
        "user": request.headers.get("X-Auth-User"),
        "all": sorted(name.title() for name in request.headers if name.startswith("x-a")),
    }


@router.get("/redir", response_model=None)
def redir() -> Response:
    return RedirectResponse("/json")


@router.get("/redirq", response_model=None)
def redirq() -> Response:
    return RedirectResponse("/json?a=é b")


@router.get("/urlfor", response_model=None)
def urlfor(request: Request) -> dict[str, Any]:
    remote = request.client.host if request.client else ""
    return {
        "p": str(request.url_for("item", item_id=1)),
        "u": str(request.url_for("item", item_id=1)),
        "remote": remote,
        "url": str(request.url),
        "host": request.headers.get("host"),
        "first": request.headers.get("x-forwarded-for", remote).split(",")[0],
    }


@router.get("/basic", response_model=None)
def basic(credentials: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> dict[str, Any]:
    return {"u": credentials.username, "p": credentials.password}


@router.get("/jwt", response_model=None)
def bearer(
    token: Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))],
) -> dict[str, Any]:
    try:
        claims = jwt.decode(token, JWT_KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "Could not validate credentials") from error
    return {"user": claims["sub"]}


@router.get("/etag", response_model=None)
def etag() -> Response:
    return PlainTextResponse("with a tag", headers={"ETag": '"t1"'})


@router.get("/weak", response_model=None)
def weak() -> Response:
    return PlainTextResponse("with a weak tag", headers={"ETag": 'W/"w1"'})


@router.get("/sf", response_model=None)
def sent() -> Response:
    return FileResponse(FILE)


@router.get("/dl", response_model=None)
def downloaded() -> Response:
    return FileResponse(FILE, filename="naïve.txt")


@router.get("/memory", response_model=None)
def from_memory() -> Response:
    return Response(LARGE, media_type=_OCTETS, headers={"ETag": '"m1"'})


@router.get("/big", response_model=None)
def big() -> Response:
    return Response(LARGE, media_type=_OCTETS)


@router.get("/gz", response_model=None)
def compressed() -> Response:
    body = gzip.compress(REPETITIVE, mtime=0)
    return Response(body, media_type="text/plain", headers={"Content-Encoding": "gzip"})


def mounted(origin: str) -> FastAPI:
    """A sub-application that browsers of `origin` may ask."""
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=[origin])

    @app.get("/x", response_model=None)
    def answered() -> dict[str, Any]:
        return {"cors": origin if origin == "*" else True}

    @app.get("/boom", response_model=None)
    def boom() -> str:
        raise ValueError("boom with an origin")

    return app
