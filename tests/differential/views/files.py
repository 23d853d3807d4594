"""Files, conditional requests, ranges, encodings."""

import gzip
from io import BytesIO
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, make_response, request, send_file

FILE: Final = Path(__file__).parents[1] / "static" / "a.txt"
LARGE: Final = b"0123456789abcdef" * 65_536  # 1 MiB
REPETITIVE: Final = b"what was compressed once stays so\n" * 100

views = Blueprint("files", __name__)


@views.get("/etag")
def etag() -> Response:
    response = make_response("with a tag")
    response.add_etag()
    response.make_conditional(request)
    return response


@views.get("/weak")
def weak() -> Response:
    response = make_response("with a weak tag")
    response.set_etag("w1", weak=True)
    response.make_conditional(request)
    return response


@views.get("/sf")
def sent() -> Response:
    return send_file(FILE)


@views.get("/dl")
def downloaded() -> Response:
    return send_file(FILE, as_attachment=True, download_name="naïve.txt")


@views.get("/memory")
def from_memory() -> Response:
    return send_file(BytesIO(LARGE), mimetype="application/octet-stream", etag="m1")


@views.get("/big")
def big() -> Response:
    return Response(LARGE, mimetype="application/octet-stream")


@views.get("/gz")
def compressed() -> Response:
    body = gzip.compress(REPETITIVE, mtime=0)
    return Response(body, mimetype="text/plain", headers={"Content-Encoding": "gzip"})
