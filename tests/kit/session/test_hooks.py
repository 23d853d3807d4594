"""The session in `after_request` hooks, which Flask runs before it saves the session."""

from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask, request, session
from starlette.requests import Request as Asked

from gateway.kit.compat import flask_compatible
from gateway.kit.compat.hooks import Head
from gateway.kit.session import FlaskSession, session_of
from tests.drive import Answer, AsgiTarget, Request, WsgiTarget
from tests.kit.equal import quiet_flask
from tests.kit.session.pair import KEY

TARGETS = [
    *("/set?hook=none", "/read?hook=none", "/nothing?hook=none", "/nothing?hook=read"),
    *("/nothing?hook=set", "/set?hook=set", "/set?hook=clear", "/set?hook=read"),
    *("/boom?hook=set", "/boom?hook=none", "/nope?hook=set", "/nope?hook=none"),
]


def work(what: str, found: Any) -> None:
    """What a view or a hook does to the session, by name."""
    match what:
        case "set":
            found["n"] = found.get("n", 0) + 1
        case "read":
            found.get("n")
        case "clear":
            found.clear()
        case "boom":
            found["boom"] = True
            raise ValueError("the reason")


def flask_app() -> Flask:
    app = quiet_flask(__name__)
    app.secret_key = KEY

    @app.after_request
    def hook(response: Any) -> Any:
        work(request.args["hook"], session)
        response.headers["X-Hook"] = "1"
        return response

    @app.get("/<any(set, read, nothing, boom):what>")
    def view(what: str) -> str:
        work(what, session)
        return what

    return app


def fastapi_app() -> AsgiTarget:
    app = FastAPI()
    app.add_middleware(FlaskSession, secret_key=KEY)

    async def hook(asked: Asked, head: Head) -> None:
        what = asked.query_params["hook"]
        if what != "none":
            work(what, session_of(asked))
        head.headers["X-Hook"] = "1"

    flask_compatible(app, after_request=[hook])

    for what in ("set", "read", "nothing", "boom"):

        @app.get(f"/{what}")
        async def view(asked: Asked) -> str:
            what = asked.url.path[1:]
            if what != "nothing":
                work(what, session_of(asked))
            return what

    return AsgiTarget(app)


def told(answer: Answer) -> tuple[int, str | None, str | None, Any]:
    lines = [value for name, value in answer.headers if name == "set-cookie"]
    return answer.status, answer.header("x-hook"), answer.header("vary"), [_kept(x) for x in lines]


def _kept(line: str) -> tuple[Any, list[str]]:
    pair, *attributes = line.split("; ")
    app = flask_app()
    value = pair.removeprefix("session=")
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return serializer.loads(value) if value else None, sorted(attributes)


@pytest.mark.parametrize("before", [None, {"n": 5}], ids=["no session", "a session"])
@pytest.mark.parametrize("target", TARGETS)
async def test_p108_a_hook_reads_and_changes_the_session_as_in_flask(
    target: str, before: dict[str, int] | None
) -> None:
    flask = flask_app()
    serializer = flask.session_interface.get_signing_serializer(flask)  # type: ignore[attr-defined]
    cookie = {} if before is None else {"Cookie": f"session={serializer.dumps(before)}"}
    one = Request("GET", target, cookie)
    expected = await WsgiTarget(flask).send(one)
    assert told(await fastapi_app().send(one)) == told(expected)


async def test_p108_a_hook_of_an_app_without_sessions_is_told_so() -> None:
    app = FastAPI()

    async def hook(asked: Asked, _head: Head) -> None:
        session_of(asked)

    flask_compatible(app, after_request=[hook])
    with pytest.raises(TypeError, match="add_middleware"):
        await AsgiTarget(app).send(Request("GET", "/"))
