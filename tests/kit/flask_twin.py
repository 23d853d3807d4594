"""A small API on Flask: the oracle. `fastapi_twin.py` is the same on FastAPI with the kit."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_cors import CORS
from markupsafe import Markup
from werkzeug.datastructures import FileStorage

from tests.drive import WsgiTarget

DATA = {"b": 1, "a": "é 😀", "n": None, "z": [1.0, 2, {"y": True, "x": "\x7f"}]}


@dataclass
class Point:
    y: Decimal
    x: date


VALUES: dict[str, Any] = {
    "datetime": datetime(2024, 1, 2, 3, 4, 5, 678900),  # noqa: DTZ001 (naive is taken as UTC)
    "aware": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    "date": date(2024, 1, 2),
    "decimal": Decimal("1.10"),
    "decimalint": Decimal(5),
    "uuid": UUID(int=1),
    "dataclass": Point(Decimal("0.1"), date(2024, 1, 2)),
    "markup": Markup("<b>"),
    "nested": [{"b": (Decimal(1), date(2024, 1, 2)), "a": UUID(int=2)}],
    "nan": float("nan"),
    "inf": float("-inf"),
    "floats": [1e-7, 1e16, 0.1],
    "surrogate": "\ud83d",
    "emoji": "😀",
    "mixedkeys": {1: "a", "b": 2},
    "nonekey": {None: 1, "b": 2},
}

blueprint = Blueprint("twin", __name__)


@cache  # it keeps nothing between requests
def flask_twin() -> WsgiTarget:
    app = Flask(__name__, static_folder=None)
    app.logger.disabled = True
    CORS(app)
    app.register_blueprint(blueprint)
    return WsgiTarget(app)


@blueprint.get("/json")
def get_json() -> ResponseReturnValue:
    return jsonify(DATA)


@blueprint.get("/list")
def get_list() -> ResponseReturnValue:
    return jsonify([1, 2])


@blueprint.get("/types/<name>")
@blueprint.get("/modelled/<name>", endpoint="modelled")
def get_types(name: str) -> ResponseReturnValue:
    return jsonify({"v": VALUES[name]})


@blueprint.get("/two")
def get_two() -> ResponseReturnValue:
    return "got é"


@blueprint.post("/two")
def post_two() -> ResponseReturnValue:
    return b"posted"


@blueprint.route("/slash/", methods=["GET", "POST"])
def get_slash() -> ResponseReturnValue:
    return "slash"


@blueprint.put("/items/fixed")
def put_fixed() -> ResponseReturnValue:
    return "fixed"


@blueprint.get("/items/<name>")
def get_item(name: str) -> ResponseReturnValue:
    return name


@blueprint.route("/by/hand", methods=["OPTIONS"])
def options_by_hand() -> ResponseReturnValue:
    return "by hand"


@blueprint.get("/mimetype")
def get_mimetype() -> ResponseReturnValue:
    return Response("<a/>", mimetype=request.args["type"])


@blueprint.get("/content-type")
def get_content_type() -> ResponseReturnValue:
    return Response("<a/>", content_type=request.args["type"])


@blueprint.get("/bare")
def get_bare() -> ResponseReturnValue:
    return Response(b"bare")


@blueprint.get("/teapot")
def get_teapot() -> ResponseReturnValue:
    return "x", 418


@blueprint.delete("/empty")
def delete_empty() -> ResponseReturnValue:
    return "", 204


@blueprint.get("/unmodified")
def get_unmodified() -> ResponseReturnValue:
    return "body", 304, {"Expires": "0", "Content-Language": "en", "ETag": '"a"'}


@blueprint.post("/body")
@blueprint.post("/guarded", endpoint="guarded")
def post_body() -> ResponseReturnValue:
    if request.endpoint == "twin.guarded" and "X-User" not in request.headers:
        abort(401)
    return jsonify(got=request.get_json())


@blueprint.post("/silent")
def post_silent() -> ResponseReturnValue:
    return jsonify(got=request.get_json(silent=True))


@blueprint.post("/named")
def post_named() -> ResponseReturnValue:
    got = request.get_json()
    return jsonify(name=got["name"], qty=got.get("qty", 1))


@blueprint.post("/form")
def post_form() -> ResponseReturnValue:
    files = {name: _told(file) for name, file in request.files.items()}
    return jsonify(fields=list(request.form.items(multi=True)), files=files)


def _told(file: FileStorage) -> list[Any]:
    text = file.read().decode()
    return [file.filename, file.content_type, len(text), text[:20]]


@blueprint.post("/field")
def post_field() -> ResponseReturnValue:
    form = request.form
    return jsonify(
        a=form["a"], b=form.get("b"), n=form.get("n", 7, type=int), many=form.getlist("many")
    )


@blueprint.post("/file")
def post_file() -> ResponseReturnValue:
    return jsonify(_told(request.files["f"]), request.form["a"])


@blueprint.get("/query")
def get_query() -> ResponseReturnValue:
    return request.args["a"]


@blueprint.get("/optional")
def get_optional() -> ResponseReturnValue:
    return jsonify(request.args.get("a"))


@blueprint.get("/q")
def get_q() -> ResponseReturnValue:
    args = request.args
    return jsonify(
        a=args.get("a"),
        many=args.getlist("a"),
        n=args.get("n", type=int),
        m=args.get("m", 5, type=int),
        f=args.get("f", type=float),
        ns=args.getlist("ns", type=int),
        flag=args.get("flag", type=bool),
        off=args.get("off", False, type=bool),
    )


@blueprint.get("/number")
def get_number() -> ResponseReturnValue:
    return jsonify(int(request.args["n"]))


@blueprint.get("/model")
def get_model() -> ResponseReturnValue:
    args = request.args
    return jsonify(
        a=args.get("a"), n=args.get("n", type=int), flag=args.get("flag", False, type=bool)
    )


@blueprint.get("/cookies")
def get_cookies() -> ResponseReturnValue:
    return jsonify(request.cookies.to_dict())


@blueprint.get("/abort/<int:status>")
def get_abort(status: int) -> ResponseReturnValue:
    abort(status)


@blueprint.get("/numbered/<int:number>")
def get_numbered(number: int) -> ResponseReturnValue:
    return jsonify(number)


@blueprint.get("/described")
def get_described() -> ResponseReturnValue:
    abort(404, 'it\'s <custom>\n& "described"')


@blueprint.get("/allowed")
def get_allowed() -> ResponseReturnValue:
    return Response("{}", headers={"Access-Control-Allow-Origin": "https://own.example"})


@blueprint.get("/boom")
def get_boom() -> ResponseReturnValue:
    raise ValueError("the reason")
