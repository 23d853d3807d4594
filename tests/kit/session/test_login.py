"""Who is logged in on one stack is logged in on the other: Flask-Login is the oracle."""

from typing import Any

import flask_login.utils
import pytest
from fastapi import FastAPI
from flask_login import config
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from gateway.kit.session import (
    FlaskLogin,
    FlaskSession,
    Protection,
    RememberCookie,
    Session,
    login_user_id,
    session_identifier,
)  # fmt: skip
from tests.drive import AsgiTarget, WsgiTarget
from tests.kit.session.logins import KEPT, REMEMBER, Browser, fastapi_app, flask_app
from tests.kit.session.pair import KEY

pytestmark = pytest.mark.filterwarnings(
    "ignore:datetime.datetime.utcnow:DeprecationWarning"  # Flask-Login 0.6.3 on Python 3.12
)
PROTECTIONS = {"basic": Protection.BASIC, "strong": Protection.STRONG, None: Protection.OFF}
FLASK = {name: WsgiTarget(flask_app(name, {})) for name in PROTECTIONS}
FASTAPI = {name: AsgiTarget(fastapi_app(ours)) for name, ours in PROTECTIONS.items()}
PATHS = (
    "/login/1", "/login/1?stale", "/login/1?remember", "/login/2%7Cx?remember&seconds=90000.5", "/login/gone",
    "/login/3%C3%A9?remember", "/logout", "/who", "/who", "/who", "/permanent", "/page", "/crash", "/nope",
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {}, {}, {"User_Agent": "Firefox"}, {"User_Agent": "Müller"}, {"X_Forwarded_For": "9.9.9.9 , 8.8.8.8"},
    {"User_Agent": "", "X_Forwarded_For": "9.9.9.9"}, {"X_Forwarded_For": "9.9.9.9\n7.7.7.7"},
)  # fmt: skip
# path, headers, whether FastAPI answers, whether the browser was closed before
STEPS = st.tuples(st.sampled_from(PATHS), st.sampled_from(HEADERS), st.booleans(), st.booleans())


@settings(deadline=None, max_examples=60)
@example(  # strong protection also counts for who logs out
    [("/login/1", {}, False, False), ("/logout", {"User_Agent": "Firefox"}, True, False)], "strong"
)
@given(st.lists(STEPS, max_size=8), st.sampled_from(list(PROTECTIONS)))
async def test_p088_a_client_that_is_moved_between_the_stacks_sees_what_flask_shows(
    steps: list[tuple[str, dict[str, str], bool, bool]], protection: str | None
) -> None:
    alone, moved = Browser(), Browser()
    for path, headers, modern, closed in steps:
        if closed:
            alone.cookies.pop("session", None)
            moved.cookies.pop("session", None)
        expected = await alone.get(FLASK[protection], path, **headers)
        target = FASTAPI[protection] if modern else FLASK[protection]
        assert await moved.get(target, path, **headers) == expected
    assert (moved.cookies.keys(), moved.session) == (alone.cookies.keys(), alone.session)


async def test_p088_strong_protection_holds_across_the_stacks_and_still_protects() -> None:
    browser = Browser()
    flask, fastapi = FLASK["strong"], FASTAPI["strong"]
    await browser.get(flask, "/login/1", User_Agent="Firefox", X_Forwarded_For="9.9.9.9")
    for target in (fastapi, flask, fastapi):
        seen = await browser.get(target, "/who", User_Agent="Firefox", X_Forwarded_For="9.9.9.9")
        assert seen["json"] == ["1", True]
    thief = Browser(dict(browser.cookies))
    assert (await thief.get(fastapi, "/who", User_Agent="curl"))["json"] == [None, False]


@pytest.mark.parametrize("path", ["/login/1", "/login/1?remember", "/logout", "/who", "/page"])
async def test_p088_the_remember_cookie_has_the_attributes_of_the_config(path: str) -> None:
    flask = WsgiTarget(flask_app("basic", REMEMBER))
    fastapi = AsgiTarget(fastapi_app(Protection.BASIC, KEPT))
    browsers = []
    for first in (flask, fastapi):
        browser = Browser()
        await browser.get(first, "/login/1?remember")
        browsers.append(browser)
    expected, shown = await browsers[0].get(flask, path), await browsers[1].get(fastapi, path)
    assert shown == expected


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255, exclude_characters='\r\n";')))
async def test_p088_a_forged_remember_cookie_is_nobodys(value: str) -> None:
    browser = Browser({"remember_token": f'"{value}"'})
    assert (await browser.get(FASTAPI["basic"], "/who"))["json"] == [None, False]


async def test_p088_a_remember_cookie_of_another_key_is_nobodys() -> None:
    with flask_app(None, {}).app_context():
        good = flask_login.utils.encode_cookie("1")
        forged = flask_login.utils.encode_cookie("1", key="another")
    for value, user in ((good, "1"), (forged, None)):
        browser = Browser({"remember_token": value})
        assert (await browser.get(FASTAPI["basic"], "/who"))["json"] == [user, False]


@settings(deadline=None)
@given(
    address=st.none() | st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")),
    agent=st.none() | st.text(st.characters(max_codepoint=255, exclude_characters="\r\n")),
)
def test_p088_the_identifier_is_that_of_flask_login(address: str | None, agent: str | None) -> None:
    given = {"X-Forwarded-For": address, "User-Agent": agent}
    headers = {name: value for name, value in given.items() if value is not None}
    environ = {"REMOTE_ADDR": "10.0.0.1"}
    with flask_app(None, {}).test_request_context(environ_base=environ) as context:
        context.request.environ.pop("HTTP_USER_AGENT", None)
        for name, value in headers.items():
            context.request.environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        expected = flask_login.utils._create_identifier()
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "headers": raw, "client": ("10.0.0.1", 5000)}
    assert session_identifier(HTTPConnection(scope)) == expected


async def test_p088_the_identity_is_readable_without_any_login_set_up() -> None:
    app = FastAPI()
    app.add_middleware(FlaskSession, KEY)

    @app.get("/who")
    async def who(session: Session) -> str | None:
        return login_user_id(session)

    browser = Browser()
    await browser.get(FLASK["basic"], "/login/1")
    assert (await browser.get(AsgiTarget(app), "/who"))["json"] == "1"


def test_a_login_outside_of_the_session_is_refused() -> None:
    app = FastAPI()
    app.add_middleware(FlaskSession, KEY)
    app.add_middleware(FlaskLogin, KEY)
    with pytest.raises(TypeError, match="FlaskSession"):
        TestClient(app).get("/")


def test_a_remember_cookie_has_flask_logins_defaults() -> None:
    cookie = RememberCookie()
    attributes = cookie.attributes
    assert (attributes.name, cookie.duration) == (config.COOKIE_NAME, config.COOKIE_DURATION)
    assert (attributes.secure, attributes.httponly, attributes.samesite) == (
        config.COOKIE_SECURE,
        config.COOKIE_HTTPONLY,
        config.COOKIE_SAMESITE,
    )
