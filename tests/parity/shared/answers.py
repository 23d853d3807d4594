"""JSON, statuses, errors, streams."""

from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from tests.differential.views.answers import VALUES

router = APIRouter()


class Wrapped(BaseModel):
    v: Any


@router.get("/json", response_model=None)
def json() -> dict[str, Any]:
    return {"b": 1, "a": "é", "n": None, "z": [1.0, 2]}


@router.get("/list", response_model=None)
def listed() -> list[int]:
    return [1, 2]


@router.get("/types", response_model=None)
def types(k: str) -> dict[str, Any]:
    return {"v": VALUES[k]}


@router.get("/typed")
def typed(k: str) -> Wrapped:
    return Wrapped(v=VALUES[k])


@router.get("/str", response_model=None)
def text() -> str:
    return "plain str"


@router.get("/none", response_model=None)
def none() -> None:
    return None


@router.get("/xml", response_model=None)
def xml() -> Response:
    return Response("<a/>", media_type="application/xml")


@router.get("/js", response_model=None)
def javascript() -> Response:
    return Response("1", media_type="application/javascript")


@router.get("/svg", response_model=None)
def svg() -> Response:
    return Response("<svg/>", headers={"Content-Type": "image/svg+xml"})


@router.get("/empty204", status_code=204, response_model=None)
@router.get("/full204", status_code=204, response_model=None)
def empty() -> None:
    return None


@router.get("/hookstop", response_model=None)
def hookstop() -> str:
    return "never reached"


@router.get("/boom", response_model=None)
def boom() -> str:
    raise ValueError("boom")


@router.get("/abort/{n}", response_model=None)
def aborted(n: int) -> str:
    raise HTTPException(n)


@router.get("/abortd/{n}", response_model=None)
def aborted_with_description(n: int) -> str:
    raise HTTPException(n, "custom desc")


@router.get("/stream", response_model=None)
def stream() -> Response:
    return StreamingResponse((f"{n}\n" for n in range(3)), media_type="text/plain")


@router.get("/many", response_model=None)
def many(n: int = 100, size: int = 1024) -> Response:
    parts = (b"x" * size if i % 3 else b"" for i in range(n))
    return StreamingResponse(parts, media_type="text/plain")
