"""What comes in: query, forms, JSON, raw bodies, headers, and the whole WSGI environ."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

views = Blueprint("incoming", __name__)
_ANY: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@views.get("/q")
def query() -> Response:
    return jsonify(
        a=request.args.get("a"),
        al=request.args.getlist("a"),
        b=request.args.get("b", type=int),
        raw=request.query_string.decode("latin-1"),
    )


@views.get("/qreq")
def required() -> Response:
    return jsonify(a=request.args["a"])


@views.get("/qint")
def integer() -> Response:
    return jsonify(a=int(request.args["a"]))


@views.get("/qbool")
def boolean() -> Response:
    return jsonify(a=request.args.get("a", type=bool))


@views.get("/l")
def listed() -> Response:
    return jsonify(a=[int(part) for part in request.args.get("a", "").split(",") if part])


@views.post("/jbody")
def jbody() -> Response:
    return jsonify(got=request.get_json())


@views.post("/jitem")
def jitem() -> Response:
    document = request.get_json()
    return jsonify(name=document["name"], qty=document.get("qty", 1))


@views.post("/jsilent")
def jsilent() -> Response:
    got = request.get_json(silent=True)
    return jsonify(got=got, force=request.get_json(silent=True, force=True))


@views.post("/form")
def form() -> Response:
    files = [
        {"field": name, "name": file.filename, "type": file.content_type, "size": len(file.read())}
        for name, file in request.files.items(multi=True)
    ]
    return jsonify(fields=list(request.form.items(multi=True)), files=files)


@views.post("/formreq")
def form_required() -> Response:
    return jsonify(a=request.form["a"])


@views.route("/raw", methods=_ANY)
def raw() -> Response:
    body = request.get_data()
    return jsonify(
        len=len(body),
        cl=request.content_length,
        te=request.headers.get("Transfer-Encoding"),
        sha=sha256(body).hexdigest(),
    )


@views.post("/limit")
def limit() -> Response:
    request.max_content_length = request.args.get("n", 10, int)
    return jsonify(len=len(request.get_data()))


@views.route("/noread", methods=_ANY)
def noread() -> str:
    return "unread"


def _loop(read: Callable[[], bytes]) -> list[bytes]:
    return list(iter(read, b""))


def _all_lines(body: Any) -> list[bytes]:
    """`readlines(hint)` may give more lines than the hint says, in the end it gives all of them."""
    lines: list[bytes] = []
    while more := body.readlines(3):
        lines += more
    return lines


WAYS: Final[dict[str, Callable[[Any], list[bytes]]]] = {
    "read": lambda body: [body.read()],
    "read-none": lambda body: [body.read(None)],
    "read-minus": lambda body: [body.read(-1)],
    "read-0": lambda body: [body.read(0), body.read()],
    "read-3": lambda body: _loop(lambda: body.read(3)),
    "read-past": lambda body: [body.read(10_000), body.read(10_000), body.read()],
    "readline": lambda body: _loop(body.readline),
    "readline-2": lambda body: _loop(lambda: body.readline(2)),
    "readline-50": lambda body: _loop(lambda: body.readline(50)),
    "readlines": lambda body: body.readlines(),
    "readlines-3": _all_lines,
    "iterate": list,
    "mixed": lambda body: [body.readline(), body.read(2), body.readline(), body.read()],
}


@views.post("/input/<way>")
def wsgi_input(way: str) -> Response:
    pieces = WAYS[way](request.environ["wsgi.input"])
    return jsonify([piece.decode("latin-1") for piece in pieces])


@views.post("/streamed")
def request_stream() -> Response:
    lines = _loop(lambda: request.stream.readline(50))
    return jsonify([line.decode("latin-1") for line in lines])


@views.get("/hdr")
def headers() -> Response:
    return jsonify(
        x=request.headers.get("X-Dup"),
        xl=request.headers.getlist("X-Dup"),
        user=request.headers.get("X-Auth-User"),
        all=sorted(name for name, _ in request.headers if name.startswith("X-A")),
    )


@views.get("/errors")
def errors() -> str:
    print("told to wsgi.errors: é", file=request.environ["wsgi.errors"])
    request.environ["wsgi.errors"].flush()
    return "told"


@views.route("/environ", methods=_ANY)
@views.route("/environ/<path:rest>", methods=_ANY)
def environ(rest: str = "") -> ResponseReturnValue:
    """Each key of the environ: its value where JSON has one, else the name of its type."""
    return jsonify({key: _shown(value) for key, value in request.environ.items()})


def _shown(value: object) -> object:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, tuple) and all(isinstance(part, int) for part in value):
        return list(value)
    return {"type": f"{type(value).__module__}.{type(value).__qualname__}"}
