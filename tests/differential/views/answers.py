"""What comes out: JSON, texts, statuses, errors, cookies, streams."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from time import sleep
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Flask, Response, abort, jsonify, make_response, request, session
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required

JWT_KEY: Final = "the key of the twin's bearer tokens"

views = Blueprint("answers", __name__)


class Colour(Enum):
    RED = "red"


VALUES: Final[dict[str, Any]] = {
    "datetime": datetime(2024, 1, 2, 3, 4, 5, 678900),  # noqa: DTZ001 (naive on purpose)
    "datetimetz": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    "date": date(2024, 1, 2),
    "time": time(1, 2, 3),
    "timedelta": timedelta(seconds=90.5),
    "decimal": Decimal("1.10"),
    "decimalint": Decimal(5),
    "uuid": UUID(int=1),
    "nan": float("nan"),
    "inf": float("inf"),
    "bytes": b"abc",
    "set": {1},
    "enum": Colour.RED,
    "float": [1e-7, 1e16],
    "mixedkeys": {1: 1, "b": 2},
    "nonekey": {None: 1, "b": 2},
    "surrogate": "\ud83d",
    "emoji": "\N{GRINNING FACE}",
}


@views.get("/json")
def json() -> ResponseReturnValue:
    return {"b": 1, "a": "é", "n": None, "z": [1.0, 2]}


@views.get("/list")
def listed() -> ResponseReturnValue:
    return [1, 2]


@views.get("/types")
@views.get("/typed")
def types() -> Response:
    return jsonify({"v": VALUES[request.args["k"]]})


@views.get("/partial")
def partial() -> ResponseReturnValue:
    return {"a": 1}


@views.get("/extra")
def extra() -> ResponseReturnValue:
    return {"a": 1, "zz": 9}


@views.get("/mistyped")
def mistyped() -> ResponseReturnValue:
    return {"a": "x"}


@views.get("/str")
def text() -> str:
    return "plain str"


@views.get("/none")
def none() -> ResponseReturnValue:
    return None  # type: ignore[return-value]


@views.get("/teapot")
def teapot() -> ResponseReturnValue:
    return "x", 418


@views.get("/status299")
def status299() -> Response:
    return Response("x", "299 Custom Reason")


@views.get("/xml")
def xml() -> Response:
    return Response("<a/>", mimetype="application/xml")


@views.get("/js")
def javascript() -> Response:
    return Response("1", mimetype="application/javascript")


@views.get("/svg")
def svg() -> Response:
    return Response("<svg/>", content_type="image/svg+xml")


@views.get("/empty204")
def empty204() -> ResponseReturnValue:
    return "", 204


@views.get("/full204")
def full204() -> ResponseReturnValue:
    return "a body that must not be sent", 204


@views.get("/304")
def not_modified() -> ResponseReturnValue:
    return "body", 304


@views.get("/hookstop")
def hookstop() -> str:
    return "never reached"


@views.get("/boom")
def boom() -> str:
    raise ValueError("boom")


@views.get("/cors/x")
def cors() -> Response:
    return jsonify(cors=True)


@views.get("/corsstar/x")
def corsstar() -> Response:
    return jsonify(cors="*")


@views.get("/cors/boom")
def cors_boom() -> str:
    raise ValueError("boom with an origin")


@views.get("/abort/<int:n>")
def aborted(n: int) -> str:
    abort(n)


@views.get("/abortd/<int:n>")
def aborted_with_description(n: int) -> str:
    abort(n, description="custom desc")


@views.get("/cookie")
def cookie() -> Response:
    response = make_response("cookies")
    response.set_cookie("a", "1")
    response.set_cookie("b", "x y;é", max_age=60, httponly=True, secure=True, samesite="Lax")
    response.delete_cookie("z")
    return response


@views.get("/rcookie")
def read_cookie() -> Response:
    return jsonify(dict(request.cookies))


@views.get("/sess")
def write_session() -> str:
    session["u"] = 1
    session["t"] = (1, b"x", datetime(2024, 1, 2, tzinfo=UTC))
    return "session"


@views.get("/sessread")
def read_session() -> Response:
    return jsonify(u=session.get("u"))


@views.get("/stream")
def stream() -> Response:
    return Response((f"{n}\n" for n in range(3)), mimetype="text/plain")


@views.get("/slowgen")
def slowgen() -> Response:
    """Parts that come one by one; how many and how far apart, the query says."""
    parts, pause = request.args.get("parts", 50, int), request.args.get("pause", 0.1, float)

    def generated() -> Iterator[str]:
        for n in range(parts):
            yield f"{n}\n"
            sleep(pause)

    return Response(generated(), mimetype="text/plain")


@views.get("/brokengen")
def brokengen() -> Response:
    """A stream whose third part never comes."""

    def generated() -> Iterator[str]:
        yield "0\n"
        yield "1\n"
        raise ValueError("in the middle of a stream")

    return Response(generated(), mimetype="text/plain")


@views.get("/many")
def many() -> Response:
    """A stream of `n` parts of `size` bytes, some of them empty."""
    n, size = request.args.get("n", 100, int), request.args.get("size", 1024, int)
    return Response((b"x" * size if i % 3 else b"" for i in range(n)), mimetype="text/plain")


@views.get("/xhdr")
def own_headers() -> Response:
    response = make_response("headers")
    response.headers.add("X-Multi", "1")
    response.headers.add("X-Multi", "2")
    response.headers["X-Latin"] = "é"
    response.headers["X-Empty"] = ""
    return response


@views.get("/basic")
def basic() -> ResponseReturnValue:
    if not request.authorization:
        return "who?", 401, {"WWW-Authenticate": 'Basic realm="x"'}
    return jsonify(u=request.authorization.username, p=request.authorization.password)


@views.record_once
def _bearer_tokens(state: BlueprintSetupState) -> None:
    state.app.config["JWT_SECRET_KEY"] = JWT_KEY
    assert isinstance(state.app, Flask)
    JWTManager(state.app)


@views.get("/jwt")
@jwt_required()
def bearer() -> Response:
    return jsonify(user=get_jwt_identity())
