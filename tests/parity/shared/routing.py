"""Paths, methods, parameters of a path."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request

router = APIRouter()


@router.get("/name/{name}", response_model=None)
def named(name: str) -> dict[str, Any]:
    return {"name": name}


@router.get("/path/{p:path}", response_model=None)
def below(p: str) -> dict[str, Any]:
    return {"p": p}


@router.get("/uu/{u}", response_model=None)
def unique(u: UUID) -> dict[str, Any]:
    return {"u": u}


@router.api_route("/slash/", methods=["GET", "POST"], response_model=None)
def slash(request: Request) -> str:
    return f"slash {request.method}"


@router.get("/noslash", response_model=None)
def noslash() -> str:
    return "noslash"


@router.get("/gone", response_model=None)
def lenient() -> str:
    return "gone"


@router.get("/two", response_model=None)
def two_get() -> str:
    return "two get"


@router.post("/two", response_model=None)
def two_post() -> str:
    return "two post"


@router.api_route("/multi", methods=["GET", "PUT"], response_model=None)
def multi(request: Request) -> str:
    return f"multi {request.method}"


@router.get("/page/", response_model=None)
def first_page() -> dict[str, Any]:
    return {"page": 1}


@router.get("/page/{n}", response_model=None)
def page(n: int) -> dict[str, Any]:
    return {"page": n}


@router.get("/opt/{x}", response_model=None)
def either(x: Literal["a", "b"]) -> dict[str, Any]:
    return {"x": x}
