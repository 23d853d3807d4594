"""The kit's session against Flask's own: when it is written, how, and what of it either stack reads."""

from datetime import timedelta
from time import time
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import HTMLResponse
from hypothesis import given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer
from starlette.middleware.sessions import SessionMiddleware
from starlette.testclient import TestClient
from werkzeug.http import parse_date

from gateway.kit.session import FlaskSession, Session, SessionCookie, session_of
from tests.drive import Answer, AsgiTarget, Request, WsgiTarget
from tests.kit.session.pair import (
    ACTIONS,
    ENDINGS,
    KEY,
    VALUES,
    fastapi_app,
    flask_app,
    pair,
    signed,
    unsigned,
)  # fmt: skip

CONFIGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "every attribute": {
        "SESSION_COOKIE_NAME": "sid",
        "SESSION_COOKIE_DOMAIN": "example.com",
        "SESSION_COOKIE_PATH": "/app",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": False,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_PARTITIONED": True,
    },
    "path of the application": {"APPLICATION_ROOT": "/app"},
    "no refresh, lifetime in seconds": {
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": 3600,
    },
    "lifetime": {"PERMANENT_SESSION_LIFETIME": timedelta(days=2)},
}
SESSIONS: dict[str, dict[str, Any]] = {
    "no session": {},
    "a session": {"u": 5, "list": [0]},
    "a permanent session": {"u": 5, "_permanent": True},
}


def cookie(answer: Answer, **config: Any) -> dict[str, Any] | None:
    """The one Set-Cookie by its attributes: its content as Flask reads it, Expires as how far off."""
    lines = [value for name, value in answer.headers if name == "set-cookie"]
    if not lines:
        return None
    (line,) = lines
    first, *rest = line.split("; ")
    name, _, value = first.partition("=")
    attributes = {key.lower(): said for key, _, said in (one.partition("=") for one in rest)}
    expires = parse_date(attributes.pop("expires", None))
    return {
        "name": name,
        "content": unsigned(value, **config) if value else None,
        "expires": expires and (expires.timestamp() and round((expires.timestamp() - time()) / 60)),
        **attributes,
    }


def vary(answer: Answer) -> set[str]:
    return {name.strip().lower() for name in (answer.header("vary") or "").split(",")}


def asked(path: str, content: Any, **config: Any) -> Request:
    name = config.get("SESSION_COOKIE_NAME", "session")
    value = f"other=1; {name}={signed(content, **config)}" if content else "other=1"
    return Request("GET", path, {"Cookie": value})


@pytest.mark.parametrize("config", CONFIGS.values(), ids=list(CONFIGS))
@pytest.mark.parametrize("content", SESSIONS.values(), ids=list(SESSIONS))
@pytest.mark.parametrize("action", [*ACTIONS, "unread"])
async def test_p081_p082_cookie_and_vary_are_those_of_flask(
    action: str, content: dict[str, Any], config: dict[str, Any]
) -> None:
    flask, fastapi = pair(**config)
    request = asked(f"/{action}/ok", content, **config)
    expected, answer = await flask.send(request), await fastapi.send(request)
    assert cookie(answer, **config) == cookie(expected, **config)
    assert vary(answer) == vary(expected)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("action", ["set_one", "clear", "read", "unread"])
async def test_p081_p082_it_is_sent_with_every_kind_of_answer(action: str, ending: str) -> None:
    flask, fastapi = pair()
    request = asked(f"/{action}/{ending}", {"u": 5, "_permanent": True})
    expected, answer = await flask.send(request), await fastapi.send(request)
    assert answer.status == expected.status
    assert cookie(answer) == cookie(expected)
    assert vary(answer) == vary(expected)
    assert len([name for name, _ in answer.headers if name == "vary"]) <= 1


async def test_p081_it_is_sent_with_answers_that_no_view_gives() -> None:
    flask, fastapi = pair()
    for method, path in (("GET", "/nope"), ("PUT", "/read/ok")):
        request = Request(
            method, path, {"Cookie": f"session={signed({'u': 5, '_permanent': True})}"}
        )
        expected = cookie(await flask.send(request))
        assert expected is not None
        assert cookie(await fastapi.send(request)) == expected


async def test_p081_it_is_sent_with_the_apps_own_page_for_a_crash() -> None:
    app = fastapi_app({})

    @app.exception_handler(Exception)
    def page(request: object, error: Exception) -> Any:
        return HTMLResponse(f"<p>{error}", 500)

    answer = await AsgiTarget(app).send(Request("GET", "/set_one/crash"))
    assert (answer.status, answer.body) == (500, b"<p>the reason")
    assert cookie(answer) is not None


def test_a_crash_still_reaches_the_server() -> None:
    with pytest.raises(ValueError, match="the reason"):
        TestClient(fastapi_app({})).get("/set_one/crash")


async def test_a_crash_after_the_start_of_an_answer_is_not_answered_again() -> None:
    started: list[str] = []

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("half way")

    async def send(message: Any) -> None:
        started.append(message["type"])

    with pytest.raises(ValueError, match="half way"):
        await FlaskSession(half, KEY)({**SCOPE, "app": FastAPI()}, _no_more, send)
    assert started == ["http.response.start"]


SCOPE = {
    "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/",
    "raw_path": b"/", "query_string": b"", "root_path": "", "headers": [], "scheme": "http",
}  # fmt: skip


async def _no_more() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _ignore(message: object) -> None: ...


async def written(target: WsgiTarget | AsgiTarget, path: str) -> str:
    answer = await target.send(Request("GET", path))
    ((_, line),) = [one for one in answer.headers if one[0] == "set-cookie"]
    return line.partition(";")[0].removeprefix("session=")


async def test_p081_a_session_of_fastapi_is_one_of_flask() -> None:
    value = await written(AsgiTarget(fastapi_app({})), "/set_all/ok")
    found = unsigned(value)
    assert found == VALUES
    assert {key: type(one) for key, one in found.items()} == {k: type(v) for k, v in VALUES.items()}


async def test_p081_a_session_of_flask_is_one_of_fastapi() -> None:
    value = await written(WsgiTarget(flask_app({})), "/set_all/ok")
    found = await opened(value)
    assert found == VALUES
    assert {key: type(one) for key, one in found.items()} == {k: type(v) for k, v in VALUES.items()}


async def test_p081_the_same_session_is_the_same_payload() -> None:
    flask, fastapi = pair()
    for path in ("/set_all/ok", "/large/ok", "/set_one/ok"):
        payloads = [(await written(one, path)).rsplit(".", 2)[0] for one in (flask, fastapi)]
        assert payloads[0] == payloads[1]


async def test_without_the_kit_nobody_knows_the_users_session() -> None:
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key=KEY)
    found: list[dict[str, Any]] = []

    async def keep(scope: Any, receive: Any, send: Any) -> None:
        found.append(dict(scope["session"]))

    app.router.default = keep
    with pytest.raises(ValueError, match="not enough values"):  # it answers nothing
        await AsgiTarget(app).send(Request("GET", "/", {"Cookie": f"session={signed({'u': 1})}"}))
    assert found == [{}]


async def opened(value: str, *lines: str, **config: Any) -> dict[str, Any]:
    """What a handler on FastAPI finds in its session."""
    found: list[dict[str, Any]] = []

    async def keep(scope: Any, receive: Any, send: Any) -> None:
        found.append(dict(scope["session"]))

    keys = config.get("SECRET_KEY_FALLBACKS") or ()
    app = FlaskSession(keep, config.get("SECRET_KEY", KEY), keys, SessionCookie.of(config))
    cookies = [f"session={value}", *lines]
    headers = [(b"cookie", line.encode("latin-1", "replace")) for line in cookies]
    await app({**SCOPE, "headers": headers}, _no_more, _ignore)
    return found[0]


@pytest.mark.parametrize(
    "config",
    [
        {"SECRET_KEY": "new"},
        {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["older", KEY]},
        {"SECRET_KEY": b"new", "SECRET_KEY_FALLBACKS": [b"older"]},
        {"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": ["older"]},
        {"PERMANENT_SESSION_LIFETIME": timedelta(seconds=-1)},
        {"PERMANENT_SESSION_LIFETIME": timedelta(seconds=100)},
    ],
    ids=str,
)
async def test_p081_keys_rotate_and_sessions_expire_as_in_flask(config: dict[str, Any]) -> None:
    value = signed({"u": 1})
    app = flask_app({})
    app.config.update(config)
    with app.test_request_context(headers={"Cookie": f"session={value}"}) as context:
        assert await opened(value, **config) == dict(context.session)


async def test_p081_the_newest_key_signs() -> None:
    app = FastAPI()
    app.add_middleware(FlaskSession, "new", ["old"])

    @app.get("/")
    async def write(session: Session) -> None:
        session["u"] = 1

    value = await written(AsgiTarget(app), "/")
    assert await opened(value, SECRET_KEY="new") == {"u": 1}
    assert await opened(value, SECRET_KEY="old") == {}


def test_a_session_without_a_key_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="secret key"):
        FlaskSession(fastapi_app({}), "")


FLASK = flask_app({})
SIGNED = signed({"u": 1})


@settings(deadline=None)
@given(st.text())
async def test_p081_junk_reads_as_empty(value: str) -> None:
    assert await opened(value) == {}


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=127, exclude_characters="\r\n")), st.integers(0, 60))
async def test_p081_a_changed_cookie_reads_as_in_flask(junk: str, place: int) -> None:
    value = SIGNED[:place] + junk + SIGNED[place + 1 :]
    with FLASK.test_request_context(headers={"Cookie": f"session={value}"}) as context:
        assert await opened(value) == dict(context.session)


@pytest.mark.parametrize("content", ["text", 5, [1], None, [["a", "b"]]])
async def test_p081_a_signed_value_that_is_no_session_reads_as_empty(content: Any) -> None:
    assert await opened(signed(content)) == {}


@pytest.mark.parametrize(
    "payload", ['{" b":5}', "{", '{" u":"no"}', "[" * 9000, '{" d":[]}', '"\x00']
)
async def test_p081_signed_junk_reads_as_empty(payload: str) -> None:
    class Raw:
        def dumps(self, value: object) -> str:
            return str(value)

    serializer = URLSafeTimedSerializer(
        KEY, salt="cookie-session", serializer=Raw(), signer_kwargs={"key_derivation": "hmac"}
    )
    assert await opened(serializer.dumps(payload)) == {}


async def test_p081_of_two_session_cookies_the_first_is_read() -> None:
    first, second = signed({"u": 1}), signed({"u": 2})
    found = await opened(f"{first}; session={second}")
    with flask_app({}).test_request_context(
        headers={"Cookie": f"session={first}; session={second}"}
    ) as context:
        assert found == dict(context.session) == {"u": 1}


async def test_p081_cookies_that_are_not_utf8_harm_nothing() -> None:
    assert await opened(signed({"u": 1}), "b=\xe9") == {"u": 1}


async def test_p081_request_session_is_the_same_dict() -> None:
    assert cookie(await AsgiTarget(fastapi_app({})).send(Request("GET", "/by-request"))) == cookie(
        await WsgiTarget(flask_app({})).send(Request("GET", "/set_one/ok"))
    )


async def test_p081_an_unchanged_session_does_not_overwrite_the_change_of_another_request() -> None:
    """Both began with the same cookie; the slow one only read."""
    fastapi = AsgiTarget(fastapi_app({}))
    quick = await fastapi.send(asked("/set_one/ok", {"old": 1}))
    slow = await fastapi.send(asked("/read/ok", {"old": 1}))
    assert (cookie(quick) or {})["content"] == {"old": 1, "u": 1}
    assert cookie(slow) is None


def test_p081_a_websocket_reads_the_session() -> None:
    app = FastAPI()
    app.add_middleware(FlaskSession, KEY)

    @app.websocket("/ws")
    async def socket(websocket: WebSocket, session: Session) -> None:
        await websocket.accept()
        await websocket.send_json({"u": session["u"], "same": session is session_of(websocket)})

    client = TestClient(app, cookies={"session": signed({"u": 1})})
    with client.websocket_connect("/ws") as connection:
        assert connection.receive_json() == {"u": 1, "same": True}


def test_a_handler_without_the_middleware_is_told_what_is_missing() -> None:
    app = FastAPI()

    @app.get("/")
    async def write(session: Session) -> None: ...

    with pytest.raises(TypeError, match="add_middleware"):
        TestClient(app).get("/")
