"""The same small app with Flask-Login, and on FastAPI with the kit, and a browser between the two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import flask_login
from fastapi import FastAPI, Request
from flask import Flask, jsonify, request, session
from flask.typing import ResponseReturnValue

from gateway.kit.session import (
    CookieAttributes,
    FlaskLogin,
    FlaskSession,
    Protection,
    RememberCookie,
    Session,
    load_user,
    log_in,
    log_out,
)  # fmt: skip
from tests import drive
from tests.kit.session.pair import KEY, unsigned

USERS = {"1", "2|x", "3é"}
REMEMBER = {
    "REMEMBER_COOKIE_NAME": "kept",
    "REMEMBER_COOKIE_DOMAIN": "example.com",
    "REMEMBER_COOKIE_PATH": "/app",
    "REMEMBER_COOKIE_SECURE": True,
    "REMEMBER_COOKIE_SAMESITE": "Lax",
    "REMEMBER_COOKIE_DURATION": timedelta(days=3),
    "REMEMBER_COOKIE_REFRESH_EACH_REQUEST": True,
}


class User(flask_login.UserMixin):  # type: ignore[misc]  # untyped
    def __init__(self, user_id: str) -> None:
        self.id = user_id


def flask_app(protection: str | None, config: Mapping[str, Any]) -> Flask:
    app = Flask("legacy", static_folder=None)
    app.logger.disabled = True
    app.config.update(SECRET_KEY=KEY, **config)
    manager = flask_login.LoginManager(app)
    manager.session_protection = protection
    manager.user_loader(lambda user_id: User(user_id) if user_id in USERS else None)

    @app.get("/login/<user>")
    def login(user: str) -> ResponseReturnValue:
        seconds = request.args.get("seconds")
        flask_login.login_user(
            User(user),
            remember="remember" in request.args,
            duration=timedelta(seconds=float(seconds)) if seconds else None,
            fresh="stale" not in request.args,
        )
        return jsonify(user)

    @app.get("/logout")
    def logout() -> ResponseReturnValue:
        flask_login.logout_user()
        return jsonify("out")

    @app.get("/who")
    def who() -> ResponseReturnValue:
        user = flask_login.current_user
        return jsonify([user.get_id(), flask_login.login_fresh()])

    @app.get("/permanent")
    def permanent() -> ResponseReturnValue:
        session.permanent = True
        return jsonify("permanent")

    @app.get("/crash")
    def crash() -> ResponseReturnValue:
        flask_login.login_user(User("1"), remember=True)
        raise ValueError("after the login")

    @app.get("/page")
    def page() -> ResponseReturnValue:
        return jsonify("page")

    return app


def fastapi_app(protection: Protection, cookie: RememberCookie | None = None) -> FastAPI:
    app = FastAPI()
    app.add_middleware(FlaskLogin, KEY, protection, cookie)
    app.add_middleware(FlaskSession, KEY)

    @app.get("/login/{user}")
    async def login(request: Request, user: str) -> str:
        asked = request.query_params
        duration = timedelta(seconds=float(asked["seconds"])) if "seconds" in asked else None
        remember, fresh = "remember" in asked, "stale" not in asked
        log_in(request, user, remember=remember, duration=duration, fresh=fresh)
        return user

    @app.get("/logout")
    async def logout(request: Request) -> str:
        log_out(request)
        return "out"

    @app.get("/who")
    async def who(request: Request, session: Session) -> list[Any]:
        return [await load_user(request, _find), session.get("_fresh", False)]

    @app.get("/permanent")
    async def permanent(session: Session) -> str:
        session.permanent = True
        return "permanent"

    @app.get("/crash")
    async def crash(request: Request) -> None:
        log_in(request, "1", remember=True)
        raise ValueError("after the login")

    @app.get("/page")
    async def page() -> str:
        return "page"

    return app


async def _find(user_id: str) -> str | None:
    return user_id if user_id in USERS else None


KEPT = RememberCookie(
    CookieAttributes("kept", domain="example.com", path="/app", secure=True, samesite="Lax"),
    duration=timedelta(days=3),
    refresh_each_request=True,
)


@dataclass
class Browser:
    """Keeps cookies by their names; what it tells of an answer has no times and no signatures."""

    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, target: drive.Target, path: str, **headers: str) -> dict[str, Any]:
        jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await target.send(drive.Request("GET", path, {"Cookie": jar, **named}))
        lines = [value for name, value in answer.headers if name == "set-cookie"]
        return {
            "status": answer.status,
            "json": answer.json() if answer.status == 200 else None,
            "vary": answer.header("vary"),
            "stack": answer.header("x-served-by"),
            "cookies": sorted(str(self._take(line)) for line in lines),
            "session": self.session,
        }

    @property
    def session(self) -> Any:
        value = self.cookies.get("session")
        return value and unsigned(value)

    def _take(self, line: str) -> tuple[str, ...]:
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        self.cookies[name] = value
        if "Max-Age=0" in attributes:
            del self.cookies[name]
        told = [one[:23] if one.startswith("Expires") else one for one in attributes]  # the day
        return (name, value if name != "session" else "", *sorted(told))
