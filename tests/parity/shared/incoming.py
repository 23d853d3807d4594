"""Queries, forms, JSON, raw bodies, cookies."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Form, Query, Request
from starlette.datastructures import UploadFile

router = APIRouter()


@router.get("/q", response_model=None)
def query(
    request: Request,
    a: str | None = None,
    al: Annotated[list[str], Query(alias="a")] = [],  # noqa: B006 (as FastAPI's manual has it)
    b: int | None = None,
) -> dict[str, Any]:
    return {"a": a, "al": al, "b": b, "raw": request.scope["query_string"].decode("latin-1")}


@router.get("/qreq", response_model=None)
def required(a: str) -> dict[str, Any]:
    return {"a": a}


@router.get("/qint", response_model=None)
def integer(a: int) -> dict[str, Any]:
    return {"a": a}


@router.get("/qbool", response_model=None)
def boolean(a: bool | None = None) -> dict[str, Any]:
    return {"a": a}


@router.post("/jbody", response_model=None)
def jbody(got: Annotated[Any, Body()]) -> dict[str, Any]:
    return {"got": got}


@router.post("/form", response_model=None)
async def form(request: Request) -> dict[str, Any]:
    received = (await request.form()).multi_items()
    files = [(name, file) for name, file in received if isinstance(file, UploadFile)]
    return {
        "fields": [(name, value) for name, value in received if isinstance(value, str)],
        "files": [
            {
                "field": name,
                "name": file.filename,
                "type": file.content_type,
                "size": len(await file.read()),
            }
            for name, file in files
        ],
    }


@router.post("/formreq", response_model=None)
def form_required(a: Annotated[str, Form()]) -> dict[str, Any]:
    return {"a": a}


@router.api_route("/noread", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], response_model=None)
def noread() -> str:
    return "unread"


@router.get("/rcookie", response_model=None)
def read_cookie(request: Request) -> dict[str, str]:
    return request.cookies


@router.get("/sessread", response_model=None)
def read_session(request: Request) -> dict[str, Any]:
    return {"u": request.session.get("u")}
