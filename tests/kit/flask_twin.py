"""A small API on Flask: the oracle. `fastapi_twin.py` is the same on FastAPI with the kit."""

from flask import Blueprint, Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_cors import CORS

from tests.drive import WsgiTarget

DATA = {"b": 1, "a": "é 😀", "n": None, "z": [1.0, 2, {"y": True, "x": "\x7f"}]}

blueprint = Blueprint("twin", __name__)


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


@blueprint.get("/two")
def get_two() -> ResponseReturnValue:
    return jsonify("got")


@blueprint.post("/two")
def post_two() -> ResponseReturnValue:
    return jsonify("posted")


@blueprint.route("/slash/", methods=["GET", "POST"])
def get_slash() -> ResponseReturnValue:
    return jsonify("slash")


@blueprint.put("/items/fixed")
def put_fixed() -> ResponseReturnValue:
    return jsonify("fixed")


@blueprint.get("/items/<name>")
def get_item(name: str) -> ResponseReturnValue:
    return jsonify(name)


@blueprint.route("/by/hand", methods=["OPTIONS"])
def options_by_hand() -> ResponseReturnValue:
    return jsonify("by hand")


@blueprint.post("/body")
def post_body() -> ResponseReturnValue:
    return jsonify(request.get_json())


@blueprint.get("/query")
def get_query() -> ResponseReturnValue:
    return jsonify(request.args["a"])


@blueprint.get("/optional")
def get_optional() -> ResponseReturnValue:
    return jsonify(request.args.get("a"))


@blueprint.get("/abort/<int:status>")
def get_abort(status: int) -> ResponseReturnValue:
    abort(status)


@blueprint.get("/described")
def get_described() -> ResponseReturnValue:
    abort(404, 'it\'s <custom>\n& "described"')


@blueprint.get("/allowed")
def get_allowed() -> ResponseReturnValue:
    return Response("{}", headers={"Access-Control-Allow-Origin": "https://own.example"})


@blueprint.get("/boom")
def get_boom() -> ResponseReturnValue:
    raise ValueError("the reason")
