"""One app on Flask, the oracle, and on FastAPI with the kit: views that do one thing to the session."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from flask import Flask, Response, abort, redirect, session
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from gateway.kit.session import FlaskSession, Session, SessionCookie
from tests.drive import AsgiTarget, WsgiTarget

KEY = "a key that both stacks know"
VALUES = {
    "tuple": (1, ("a", [2])),
    "bytes": b"\x00\xff",
    "markup": Markup("<b>"),
    "uuid": UUID(int=7),
    "moment": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    "like a tag": {" t": [1]},
    "text": "é 😀",
}


def set_one(session: Any) -> None:
    session["u"] = 1


def set_all(session: Any) -> None:
    session.update(VALUES)


def make_permanent(session: Any) -> None:
    session.permanent = True


def make_permanent_and_set(session: Any) -> None:
    session.permanent = True
    session["u"] = 2


def read(session: Any) -> None:
    session.get("u")


def clear(session: Any) -> None:
    session.clear()


def pop_missing(session: Any) -> None:
    session.pop("missing", None)


def pop(session: Any) -> None:
    session.pop("u", None)


def setdefault(session: Any) -> None:
    session.setdefault("u", 3)


def merge(session: Any) -> None:
    session |= {"merged": True}


def change_nested(session: Any) -> None:
    session.get("list", []).append(1)


def change_nested_and_say_so(session: Any) -> None:
    session.get("list", []).append(1)
    session.modified = True


def set_and_take_back(session: Any) -> None:
    session["gone"] = 1
    del session["gone"]


def large(session: Any) -> None:
    session["text"] = "compressible " * 100


def unread(session: Any) -> None:
    """Does not ask for the session."""


ACTIONS: dict[str, Callable[[Any], None]] = {
    action.__name__: action
    for action in (
        set_one, set_all, make_permanent, make_permanent_and_set, read, clear, pop_missing, pop, setdefault,
        merge, change_nested, change_nested_and_say_so, set_and_take_back, large,
    )
}  # fmt: skip
ENDINGS = ("ok", "missing", "redirect", "crash", "stream", "vary", "star")


def flask_app(config: Mapping[str, Any]) -> Flask:
    app = Flask("legacy", static_folder=None)
    app.logger.disabled = True
    app.config.update(SECRET_KEY=KEY, **config)

    @app.get("/<action>/<ending>")
    def act(action: str, ending: str) -> ResponseReturnValue:
        if action != "unread":
            ACTIONS[action](session)
        return _flask_ending(ending)

    return app


def _flask_ending(ending: str) -> ResponseReturnValue:
    match ending:
        case "missing":
            abort(404)
        case "redirect":
            return redirect("/elsewhere")
        case "crash":
            raise ValueError("the reason")
        case "stream":
            return Response(iter(["a", "b"]))
        case "vary":
            return "ok", {"Vary": "Accept-Encoding"}
        case "star":
            return "ok", {"Vary": "cookie, Origin"}
    return "ok"


def fastapi_app(config: Mapping[str, Any]) -> FastAPI:
    app = FastAPI()
    keys = config.get("SECRET_KEY_FALLBACKS") or ()
    app.add_middleware(FlaskSession, config.get("SECRET_KEY", KEY), keys, SessionCookie.of(config))

    @app.get("/unread/{ending}")
    async def act_not(ending: str) -> Any:
        return _fastapi_ending(ending)

    @app.get("/{action}/{ending}")
    async def act(action: str, ending: str, session: Session) -> Any:
        ACTIONS[action](session)
        return _fastapi_ending(ending)

    @app.get("/by-request")
    async def by_request(request: Request) -> Any:
        request.session["u"] = 1

    return app


def _fastapi_ending(ending: str) -> Any:
    match ending:
        case "missing":
            raise HTTPException(404)
        case "redirect":
            return RedirectResponse("/elsewhere", 302)
        case "crash":
            raise ValueError("the reason")
        case "stream":
            return StreamingResponse(iter(["a", "b"]))
        case "vary":
            return PlainTextResponse("ok", headers={"Vary": "Accept-Encoding"})
        case "star":
            return PlainTextResponse("ok", headers={"Vary": "cookie, Origin"})
    return PlainTextResponse("ok")


def pair(**config: Any) -> tuple[WsgiTarget, AsgiTarget]:
    return WsgiTarget(flask_app(config)), AsgiTarget(fastapi_app(config))


def signed(content: Any, **config: Any) -> str:
    """A cookie's value as Flask writes it."""
    app = flask_app(config)
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    with app.app_context():
        return serializer.dumps(content)


def unsigned(value: str, **config: Any) -> Any:
    """What Flask reads from a cookie's value."""
    app = flask_app(config)
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return serializer.loads(value)
