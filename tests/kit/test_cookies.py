"""Cookies that the kit writes against those of Flask."""

from typing import Any

import flask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response

from gateway.kit.compat.cookies import delete_cookie, set_cookie

ARGUMENTS: dict[str, dict[str, Any]] = {
    "session": {},
    "another path": {"path": "/a b"},
    "no path": {"path": None},
    "domain": {"domain": "bücher.example"},
    "flags": {"secure": True, "httponly": True, "samesite": "Lax"},
    "partitioned": {"partitioned": True},
}
LASTING: dict[str, dict[str, Any]] = ARGUMENTS | {
    "until a second": {"expires": 1_900_000_000},
    "until a text": {"expires": "Thu, 01 Jan 2032 00:00:00 GMT"},
}
VALUES = ["1", "", "x y;é", 'a"b\\c', "a,b", "\x7f"]


def lines(response: Response | flask.Response) -> list[str]:
    values = response.headers.getlist("set-cookie")
    return [str(value) for value in values]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", LASTING)
def test_p074_a_cookie_is_written_as_flask_writes_it(name: str, value: str) -> None:
    ours, flasks = Response(), flask.Response()
    set_cookie(ours, "a", value, **LASTING[name])
    flasks.set_cookie("a", value, **LASTING[name])
    assert lines(ours) == lines(flasks)


@pytest.mark.parametrize("age", [60, 0])
def test_p074_a_cookie_that_lasts_names_its_age_and_its_end(age: int) -> None:
    ours, flasks = Response(), flask.Response()
    set_cookie(ours, "a", max_age=age)
    flasks.set_cookie("a", max_age=age)
    names = [[part.partition("=")[0] for part in line.split("; ")] for line in lines(ours)]
    assert names == [["a", "Expires", "Max-Age", "Path"]]
    assert f"Max-Age={age}" in lines(flasks)[0]
    assert f"Max-Age={age}" in lines(ours)[0]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_p075_any_value_is_quoted_as_flask_quotes_it(value: str) -> None:
    ours, flasks = Response(), flask.Response()
    set_cookie(ours, "a", value)
    flasks.set_cookie("a", value)
    assert lines(ours) == lines(flasks)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_p078_a_cookie_is_deleted_as_flask_deletes_it(name: str) -> None:
    ours, flasks = Response(), flask.Response()
    delete_cookie(ours, "a", **ARGUMENTS[name])
    flasks.delete_cookie("a", **ARGUMENTS[name])
    assert lines(ours) == lines(flasks)


def test_p074_several_cookies_are_several_lines() -> None:
    response = Response()
    set_cookie(response, "a", "1")
    set_cookie(response, "a", "2", path="/b")
    assert lines(response) == ["a=1; Path=/", "a=2; Path=/b"]
