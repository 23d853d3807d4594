"""A Flask app, its port to FastAPI, and the same port with a fault on each route of PLANTED."""

import os
import time
from typing import Annotated, Any, Final

from fastapi import Cookie, FastAPI, Response
from fastapi.responses import JSONResponse
from flask import Flask, jsonify, make_response, request
from flask_cors import CORS

from gateway.kit.compat import Cors, flask_compatible

HTTP_DATE: Final = "Wed, 15 Nov 2023 01:13:20 GMT"
COOKIE: Final = "sid=1; HttpOnly; Path=/; SameSite=Lax"

# Route → path and class of what must be found there, and nothing else.
PLANTED: Final = {
    "GET /renamed": {("/order_id", "missing"), ("/orderId", "extra")},
    "GET /refused": {("status:400-422", "status"), ("/error", "missing"), ("/detail", "extra")},
    "GET /dropped": {("route", "missing")},
    "GET /flag/{user}": {("/active", "value")},
    "GET /number": {("/items/*/price", "type")},
    "GET /date": {("/at", "format")},
    "GET /header": {("header:x-total", "missing")},
    "GET /order": {("/tags", "order")},
    "GET /null": {("/note", "null-vs-missing")},
    "GET /cookie": {("cookie:sid;httponly", "missing")},
    "POST /created": {("status:201-200", "status")},
    "GET /list": {("/rows", "length")},
}


def legacy() -> Flask:
    app = Flask("legacy", static_folder=None)
    CORS(app)

    @app.get("/refused")
    def refused() -> Any:
        n = request.args.get("n", "1")
        if not n.isdecimal():
            return jsonify(error="n is no number"), 400
        return jsonify(n=int(n))

    @app.get("/header")
    def header() -> Any:
        answer = jsonify(rows=[])
        answer.headers["X-Total"] = "3"
        return answer

    @app.get("/cookie")
    def cookie() -> Any:
        answer = make_response(jsonify(seen=request.cookies.get("tracking")))
        answer.set_cookie("sid", "1", httponly=True, samesite="Lax")
        return answer

    @app.post("/created")
    def created() -> Any:
        return jsonify(made=True), 201

    @app.get("/clock")
    def clock() -> Any:
        return jsonify(now=time.time_ns(), text="the same")

    app.add_url_rule("/renamed", "renamed", lambda: jsonify(order_id=7, total=3))
    app.add_url_rule("/dropped", "dropped", lambda: jsonify(here=True))
    app.add_url_rule("/flag/<user>", "flag", lambda user: jsonify(active=user == "ann"))
    app.add_url_rule("/number", "number", lambda: jsonify(items=[{"price": 1.5}, {"price": 2.0}]))
    app.add_url_rule("/date", "date", lambda: jsonify(at=HTTP_DATE))
    app.add_url_rule("/order", "order", lambda: jsonify(tags=["a", "b", "c"]))
    app.add_url_rule("/null", "null", lambda: jsonify(id=1))
    app.add_url_rule("/list", "list", lambda: jsonify(rows=[1, 2, 3]))
    return app


def modern() -> FastAPI:
    return _port(faulty=False)


def planted() -> FastAPI:
    return _port(faulty=True)


def mortal() -> FastAPI:
    """Its process ends when `/flag/{user}` is asked for."""
    app = FastAPI()
    flask_compatible(app, cors=Cors())
    app.get("/flag/{user}")(lambda user: os._exit(3))
    app.get("/list")(lambda: {"rows": [1, 2, 3]})
    return app


def _port(*, faulty: bool) -> FastAPI:
    app = FastAPI()
    flask_compatible(app, cors=Cors())
    _add_constant(app, faulty=faulty)
    _add_made(app, faulty=faulty)

    @app.get("/clock")
    def clock() -> dict[str, Any]:
        return {"now": time.time_ns(), "text": "the same"}

    return app


def _add_constant(app: FastAPI, *, faulty: bool) -> None:
    """Routes that say one thing."""

    def route(path: str, right: Any, wrong: Any) -> None:
        app.get(path)(lambda: wrong if faulty else right)

    route("/renamed", {"order_id": 7, "total": 3}, {"orderId": 7, "total": 3})
    route("/date", {"at": HTTP_DATE}, {"at": "2023-11-15T01:13:20"})
    route("/number", _prices(1.5, 2.0), _prices("1.5", "2.0"))
    route("/order", {"tags": ["a", "b", "c"]}, {"tags": ["b", "a", "c"]})
    route("/null", {"id": 1}, {"id": 1, "note": None})
    route("/list", {"rows": [1, 2, 3]}, {"rows": [1, 2]})
    if not faulty:
        route("/dropped", {"here": True}, None)


def _add_made(app: FastAPI, *, faulty: bool) -> None:
    """Routes whose answers follow the request, or have a head of their own."""

    @app.get("/refused")
    def refused(n: str = "1") -> Response:
        if n.isdecimal():
            return JSONResponse({"n": int(n)})
        right, wrong = ({"error": "n is no number"}, 400), ({"detail": [{"loc": ["n"]}]}, 422)
        return JSONResponse(*(wrong if faulty else right))

    @app.get("/flag/{user}")
    def flag(user: str) -> dict[str, bool]:
        return {"active": (user == "ann") is not faulty}

    @app.get("/header")
    def header(response: Response) -> dict[str, list[int]]:
        response.headers.update({} if faulty else {"X-Total": "3"})
        return {"rows": []}

    @app.get("/cookie")
    def cookie(response: Response, tracking: Annotated[str | None, Cookie()] = None) -> Any:
        response.headers["set-cookie"] = COOKIE.replace(
            "HttpOnly; ", "" if faulty else "HttpOnly; "
        )
        return {"seen": tracking}

    @app.post("/created")
    def created() -> Response:
        return JSONResponse({"made": True}, 200 if faulty else 201)


def _prices(*prices: object) -> dict[str, list[dict[str, object]]]:
    return {"items": [{"price": price} for price in prices]}
