"""The apps of `benchmarks.bodies`, Flask and FastAPI: `GET /down?size=` and `POST /up` of any size."""

import zlib
from typing import Annotated, Final

import fastapi
import flask

LARGEST: Final = 16 << 20  # bytes
CONTENT: Final = bytes(range(256)) * (LARGEST // 256)
legacy = flask.Flask("legacy")
modern = fastapi.FastAPI(telemetry={"tracing": False})


@legacy.get("/json")
def legacy_ready() -> dict[str, bool]:
    return {"ready": True}


@modern.get("/json")
async def modern_ready() -> dict[str, bool]:
    return {"ready": True}


@legacy.get("/down")
def legacy_down() -> flask.Response:
    size = flask.request.args.get("size", 0, type=int)
    return flask.Response(CONTENT[:size], mimetype="application/octet-stream")


@modern.get("/down")
async def modern_down(size: int) -> fastapi.Response:
    return fastapi.Response(CONTENT[:size], media_type="application/octet-stream")


@legacy.post("/up")
def legacy_up() -> dict[str, int]:
    body = flask.request.get_data()
    return {"size": len(body), "check": zlib.crc32(body) if "check" in flask.request.args else 0}


@modern.post("/up")
async def modern_up(
    request: fastapi.Request, check: Annotated[str | None, fastapi.Query()] = None
) -> dict[str, int]:
    body = await request.body()
    return {"size": len(body), "check": 0 if check is None else zlib.crc32(body)}
