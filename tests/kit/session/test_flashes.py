"""Flashed messages: written by one stack, shown by the other."""

from typing import Any

import flask
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment
from starlette.testclient import TestClient

from gateway.kit.session import (
    FlaskSession,
    Session,
    SessionData,
    flash,
    flash_context,
    get_flashed_messages,
)  # fmt: skip
from tests.kit.session.pair import KEY, flask_app

TEMPLATE = "{% for m in get_flashed_messages(category_filter=['error']) %}[{{ m }}]{% endfor %}"
MESSAGES = st.lists(st.tuples(st.text(), st.sampled_from(["message", "error", "info"])))


def fastapi_client() -> TestClient:
    app = FastAPI()
    app.add_middleware(FlaskSession, KEY)
    environment = Environment(autoescape=True, loader=DictLoader({"page": TEMPLATE}))
    templates = Jinja2Templates(env=environment, context_processors=[flash_context])

    @app.get("/flash")
    async def add(session: Session) -> None:
        flash(session, "saved")
        flash(session, "<broken>", "error")

    @app.get("/show")
    async def show(session: Session) -> list[Any]:
        return [
            get_flashed_messages(session),
            get_flashed_messages(session, with_categories=True),
            get_flashed_messages(session, category_filter=["error"]),
        ]

    @app.get("/page")
    async def page(request: Request, shown: bool = True) -> Any:
        return templates.TemplateResponse(request, "page") if shown else HTMLResponse("")

    return TestClient(app)


def flask_client() -> Any:
    app = flask_app({})

    @app.get("/flash")
    def add() -> str:
        flask.flash("saved")
        flask.flash("<broken>", "error")
        return ""

    @app.get("/show")
    def show() -> Any:
        return flask.jsonify(
            flask.get_flashed_messages(),
            flask.get_flashed_messages(with_categories=True),
            flask.get_flashed_messages(category_filter=["error"]),
        )

    @app.get("/page")
    def page() -> str:
        return flask.render_template_string(TEMPLATE)

    return app.test_client(use_cookies=False)


def cookie_of(answer: Any) -> str:
    return str(answer.headers["set-cookie"].partition(";")[0])


@pytest.mark.parametrize("writer", [flask_client, fastapi_client])
def test_p081_a_message_of_one_stack_is_shown_by_the_other(writer: Any) -> None:
    headers = {"Cookie": cookie_of(writer().get("/flash"))}
    expected = flask_client().get("/show", headers=headers)
    shown = fastapi_client().get("/show", headers=headers)
    assert shown.json() == expected.json
    assert shown.headers["set-cookie"] == expected.headers["Set-Cookie"]  # both delete the session


def test_p081_a_template_shows_them_as_in_flask() -> None:
    headers = {"Cookie": cookie_of(flask_client().get("/flash"))}
    expected, shown = (
        one.get("/page", headers=headers) for one in (flask_client(), fastapi_client())
    )
    assert shown.text == expected.text == "[&lt;broken&gt;]"
    assert shown.headers["vary"] == expected.headers["Vary"] == "Cookie"


def test_p082_a_page_that_shows_none_does_not_depend_on_the_cookie() -> None:
    assert "vary" not in fastapi_client().get("/page?shown=false").headers


@settings(deadline=None)
@given(MESSAGES, MESSAGES, st.sets(st.sampled_from(["message", "error", "info"])), st.booleans())
def test_p081_messages_are_given_and_kept_as_flask_does(
    earlier: list[tuple[str, str]], later: list[tuple[str, str]], chosen: set[str], both: bool
) -> None:
    kept = SessionData()
    with APP.test_request_context() as context:
        for message, category in earlier:
            flask.flash(message, category)
            flash(kept, message, category)
        for _ in range(2):
            assert get_flashed_messages(kept, both, chosen) == flask.get_flashed_messages(
                both, chosen
            )
        for message, category in later:
            flask.flash(message, category)
            flash(kept, message, category)
        assert get_flashed_messages(kept, both, chosen) == flask.get_flashed_messages(both, chosen)
        assert dict(kept) == dict(context.session)
        assert kept.modified == context.session.modified


APP = flask_app({})
