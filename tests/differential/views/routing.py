"""Which rule is reached: converters, slashes, methods, rules that only a `url_map` knows."""

from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

views = Blueprint("routing", __name__)


@views.get("/items/<int:item_id>")
def item(item_id: int) -> Response:
    return jsonify(id=item_id)


@views.get("/fl/<float:x>")
def real(x: float) -> Response:
    return jsonify(x=x)


@views.get("/uu/<uuid:u>")
def unique(u: UUID) -> Response:
    return jsonify(u=str(u))


@views.get("/name/<name>")
def named(name: str) -> Response:
    return jsonify(name=name)


@views.get("/path/<path:p>")
def below(p: str) -> Response:
    return jsonify(p=p)


@views.get("/u/<name>")
def somebody(name: str) -> Response:
    return jsonify(somebody=name)


@views.get("/u/me")
def myself() -> Response:
    return jsonify(me=True)


@views.route("/slash/", methods=["GET", "POST"])
def slash() -> str:
    return f"slash {request.method}"


@views.get("/noslash")
def noslash() -> str:
    return "noslash"


@views.get("/gone", strict_slashes=False)
def lenient() -> str:
    return "gone"


@views.get("/two")
def two_get() -> str:
    return "two get"


@views.post("/two")
def two_post() -> str:
    return "two post"


@views.route("/multi", methods=["GET", "PUT"])
def multi() -> str:
    return f"multi {request.method}"


@views.get("/page/", defaults={"n": 1})
@views.get("/page/<int:n>")
def page(n: int) -> Response:
    return jsonify(page=n)


@views.get("/opt/<any(a, b):x>")
def either(x: str) -> Response:
    return jsonify(x=x)


@views.get("/redir")
def redir() -> ResponseReturnValue:
    return redirect("/json")


@views.get("/redirq")
def redirq() -> ResponseReturnValue:
    return redirect("/json?a=é b")


@views.get("/urlfor")
def urlfor() -> Response:
    return jsonify(
        p=url_for("routing.item", item_id=1),
        u=url_for("routing.item", item_id=1, _external=True),
        remote=request.remote_addr,
        url=request.url,
        host=request.host,
        first=request.access_route[0],
    )
