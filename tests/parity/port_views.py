"""The routes that a team writes differently so that clients of the Flask app notice nothing."""

import gzip
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from werkzeug.datastructures import Authorization

from gateway.kit.compat.auth import authorization
from gateway.kit.compat.bodies import read_limited, silent_json
from gateway.kit.compat.conditional import conditional
from gateway.kit.compat.cookies import delete_cookie, set_cookie
from gateway.kit.compat.files import send_file, send_from_directory
from gateway.kit.compat.headers import joined_lines
from gateway.kit.compat.pages import html
from gateway.kit.compat.tokens import Claims, Tokens, jwt_decoder, jwt_required
from gateway.kit.compat.urls import redirect, url_for
from tests.differential.views.answers import JWT_KEY
from tests.differential.views.files import FILE, LARGE, REPETITIVE

router = APIRouter()
_ANY: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_OCTETS: Final = "application/octet-stream"
_TOKENS: Final = Tokens(jwt_decoder(JWT_KEY))


@router.get("/items/{item_id}", name="item", response_model=None)
def item(item_id: int) -> dict[str, Any]:
    return {"id": item_id}


@router.get("/fl/{x}", response_model=None)
def real(x: float) -> dict[str, Any]:
    return {"x": x}


@router.get("/u/me", response_model=None)
def myself() -> dict[str, Any]:
    return {"me": True}


@router.get("/u/{name}", response_model=None)
def somebody(name: str) -> dict[str, Any]:
    return {"somebody": name}


@router.get("/partial", response_model=None)
def partial() -> dict[str, Any]:
    return {"a": 1}


@router.get("/extra", response_model=None)
def extra() -> dict[str, Any]:
    return {"a": 1, "zz": 9}


@router.get("/mistyped", response_model=None)
def mistyped() -> dict[str, Any]:
    return {"a": "x"}


@router.get("/teapot", response_model=None)
def teapot() -> Response:
    return html("x", status=418)


@router.get("/status299", response_model=None)
def status299() -> Response:
    return html("x", status=299)


@router.get("/304", response_model=None)
def not_modified() -> Response:
    return html("body", status=304)


@router.get("/xhdr", response_model=None)
def own_headers() -> Response:
    response = html("headers", headers={"X-Latin": "é", "X-Empty": ""})
    response.headers.append("X-Multi", "1")
    response.headers.append("X-Multi", "2")
    return response


@router.get("/cookie", response_model=None)
def cookie() -> Response:
    response = html("cookies")
    set_cookie(response, "a", "1")
    set_cookie(response, "b", "x y;é", max_age=60, httponly=True, secure=True, samesite="Lax")
    delete_cookie(response, "z")
    return response


@router.get("/sess", response_model=None)
def write_session(request: Request) -> str:
    request.session["u"] = 1
    request.session["t"] = (1, b"x", datetime(2024, 1, 2, tzinfo=UTC))
    return "session"


@router.post("/jitem", response_model=None)
def jitem(document: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    return {"name": document["name"], "qty": document.get("qty", 1)}


@router.post("/jsilent", response_model=None)
async def jsilent(request: Request) -> dict[str, Any]:
    return {"got": await silent_json(request), "force": await silent_json(request, force=True)}


@router.post("/limit", response_model=None)
async def limit(request: Request, n: int = 10) -> dict[str, Any]:
    return {"len": len(await read_limited(request, n))}


@router.get("/l", response_model=None)
def listed(a: Annotated[list[str], Query()] = []) -> dict[str, Any]:  # noqa: B006 (as FastAPI's manual has it)
    return {"a": [int(part) for value in a for part in value.split(",") if part]}


@router.api_route("/raw", methods=_ANY, response_model=None)
async def raw(request: Request) -> dict[str, Any]:
    body = await request.body()
    length = request.headers.get("content-length")
    return {
        "len": len(body),
        "cl": None if length is None else int(length),
        "te": request.headers.get("transfer-encoding"),
        "sha": sha256(body).hexdigest(),
    }


@router.get("/hdr", response_model=None)
def headers(request: Request) -> dict[str, Any]:
    lines = joined_lines(request.scope["headers"])
    duplicate = lines.get(b"x-dup", b"").decode("latin-1") or None
    return {
        "x": duplicate,
        "xl": [duplicate] if duplicate else [],
        "user": request.headers.get("X-Auth-User"),
        "all": sorted(name.title() for name in request.headers if name.startswith("x-a")),
    }


@router.get("/redir", response_model=None)
def redir() -> Response:
    return redirect("/json")


@router.get("/redirq", response_model=None)
def redirq() -> Response:
    return redirect("/json?a=é b")


@router.get("/urlfor", response_model=None)
def urlfor(request: Request) -> dict[str, Any]:
    remote = request.client.host if request.client else ""
    return {
        "p": url_for(request, "item", item_id=1),
        "u": url_for(request, "item", item_id=1, _external=True),
        "remote": remote,
        "url": str(request.url),
        "host": request.url.netloc,
        "first": request.headers.get("x-forwarded-for", remote).split(",")[0],
    }


@router.get("/basic", response_model=None)
def basic(who: Annotated[Authorization | None, Depends(authorization)]) -> Any:
    if not who:
        return html("who?", status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    return {"u": who.username, "p": who.password}


@router.get("/jwt", response_model=None)
def bearer(claims: Annotated[Claims, Depends(jwt_required(_TOKENS))]) -> dict[str, Any]:
    return {"user": claims["sub"]}


@router.get("/etag", response_model=None)
def etag(request: Request) -> Response:
    return conditional(request, html("with a tag"))


@router.get("/weak", response_model=None)
def weak(request: Request) -> Response:
    return conditional(request, html("with a weak tag"), etag="w1", weak=True)


@router.get("/static/{filename:path}", name="static", response_model=None)
async def static(request: Request, filename: str) -> Response:
    return await send_from_directory(request, FILE.parent, filename)


@router.get("/sf", response_model=None)
async def sent(request: Request) -> Response:
    return await send_file(request, FILE)


@router.get("/dl", response_model=None)
async def downloaded(request: Request) -> Response:
    return await send_file(request, FILE, as_attachment=True, download_name="naïve.txt")


@router.get("/memory", response_model=None)
async def from_memory(request: Request) -> Response:
    return await send_file(request, BytesIO(LARGE), mimetype=_OCTETS, etag="m1")


@router.get("/big", response_model=None)
def big() -> Response:
    return Response(LARGE, media_type=_OCTETS)


@router.get("/gz", response_model=None)
def compressed() -> Response:
    body = gzip.compress(REPETITIVE, mtime=0)
    return Response(body, media_type="text/plain", headers={"Content-Encoding": "gzip"})


@router.get("/cors/x", response_model=None)
def cors() -> dict[str, Any]:
    return {"cors": True}


@router.get("/corsstar/x", response_model=None)
def corsstar() -> dict[str, Any]:
    return {"cors": "*"}


@router.get("/cors/boom", response_model=None)
def cors_boom() -> str:
    raise ValueError("boom with an origin")
