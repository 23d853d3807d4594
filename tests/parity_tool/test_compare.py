"""When two answers are equal, and how a difference is named."""

import gzip
import json
from typing import Any

import pytest
from flask import Flask, Response, make_response, redirect
from flask.sessions import SecureCookieSessionInterface
from hypothesis import given
from hypothesis import strategies as st

from gateway.shadow.compare import CAP, compare
from gateway.shadow.difference import Answer, Asked, Ignore, Kind, path_matches

HEAD = Asked("HEAD", "http://localhost/x")
JSON = ("Content-Type", "application/json")


def answer(
    body: bytes | object = b"", *headers: tuple[str, str], status: int = 200, stream: bool = False
) -> Answer:
    """With a length, as most answers have one; what is not bytes is JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = () if isinstance(body, bytes) else (JSON,)
    length = () if stream else (("Content-Length", str(len(content))),)
    return Answer(status, (*kind, *headers, *length), content)


def of_flask(response: Response) -> Answer:
    return Answer(response.status_code, tuple(response.headers.items()), response.get_data())


def found(expected: Answer, got: Answer, asked: Asked = Asked()) -> set[tuple[str, str]]:  # noqa: B008 (frozen)
    return {(one.path, one.kind.value) for one in compare(expected, got, asked)}


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (answer({"a": 1, "b": [None]}), answer(b'{ "b":[null],\n"a":1}', JSON)),
        (answer({"a": 1.5}), answer(b'{"a": 15e-1}', JSON)),
        (answer(b"", ("X-A", "1"), ("X-B", "2")), answer(b"", ("x-b", "2"), ("x-a", "1"))),
        (answer(b"", ("Date", "x"), ("Server", "a")), answer(b"", ("Server", "b"))),
        (
            answer(b"x", ("Content-Type", "text/html; charset=utf-8")),
            answer(b"x", ("content-type", "Text/HTML;charset=UTF-8")),
        ),
        (answer(b"", ("Allow", "GET, HEAD")), answer(b"", ("allow", "HEAD,GET"))),
        (answer(b"", ("Vary", "Cookie"), ("Vary", "Origin")), answer(b"", ("Vary", "origin, cookie"))),
        (answer(b"", ("ETag", '"1a-2b"')), answer(b"", ("ETag", '"77-8"'))),
        (answer(b"", ("Last-Modified", "yesterday")), answer(b"", ("Last-Modified", "today"))),
        (answer(b"", ("Location", "/y?a=1")), answer(b"", ("Location", "http://localhost/y?a=1"))),
        (
            answer(b"", ("Set-Cookie", "a=1; Path=/; HttpOnly")),
            answer(b"", ("Set-Cookie", "a=1; httponly; path=/")),
        ),
        (answer(b"gone", status=304), answer(b"", status=304)),
        (
            answer(gzip.compress(b"text"), ("Content-Encoding", "gzip")),
            answer(gzip.compress(b"text", 1), ("Content-Encoding", "gzip")),
        ),
        (
            answer(b"--AAA x", ("Content-Type", "multipart/byteranges; boundary=AAA")),
            answer(b"--BB x", ("Content-Type", "multipart/byteranges; boundary=BB")),
        ),
        (answer({"at": "2024-01-02T03:04:05.5"}), answer({"at": "2024-01-02T03:04:05.5"})),
    ],
)  # fmt: skip
def test_what_means_the_same_is_equal(expected: Answer, got: Answer) -> None:
    assert compare(expected, got) == ()


@pytest.mark.parametrize(
    ("expected", "got", "differences"),
    [
        ({"a": 1}, {"a": 1.0}, {("/a", "type")}),
        ({"a": 1}, {"a": True}, {("/a", "type")}),
        ({"a": 1.5}, {"a": "1.5"}, {("/a", "type")}),
        ({"a": None}, {"a": "x"}, {("/a", "type")}),
        ({"a": {}}, {"a": []}, {("/a", "type")}),
        ({"a": True}, {"a": False}, {("/a", "value")}),
        ({"a": 1}, {}, {("/a", "missing")}),
        ({}, {"a": 1}, {("/a", "extra")}),
        ({"a": None}, {}, {("/a", "null-vs-missing")}),
        ({}, {"a": None}, {("/a", "null-vs-missing")}),
        ([1, 2, 3], [2, 1, 3], {("body", "order")}),
        ([1, 2, 3], [1, 2], {("body", "length")}),
        ([1, 2, 3], [1, 2, 4], {("/*", "value")}),
        ([1, 1, 2], [1, 2, 2], {("/*", "value")}),
        ([[1, 2]], [[2, 1]], {("/*", "order")}),
        ([{"p": 1}, {"p": 2}], [{"p": "1"}], {("body", "length"), ("/*/p", "type")}),
        ([{"p": 1}, {"p": 2}], [{"p": 2}], {("body", "length")}),
        ({"a/b~c*": 1}, {"a/b~c*": 2}, {("/a~1b~0c~2", "value")}),
        ({"a": "Wed, 15 Nov 2023 01:13:20 GMT"}, {"a": "2023-11-15T01:13:20"}, {("/a", "format")}),
        ({"a": "2023-11-15T01:13:20Z"}, {"a": "2023-11-15T01:13:20+00:00"}, {("/a", "format")}),
        ({"a": "2023-11-15T01:13:20.123"}, {"a": "2023-11-15T01:13:20.123456"}, {("/a", "format")}),
        ({"a": "2023-11-15T01:13:20.123"}, {"a": "2023-11-15T01:13:21"}, {("/a", "value")}),
        ({"a": "x"}, {"a": "y"}, {("/a", "value")}),
    ],
)  # fmt: skip
def test_a_difference_in_json_is_named(
    expected: object, got: object, differences: set[tuple[str, str]]
) -> None:
    assert found(answer(expected), answer(got)) == differences


@pytest.mark.parametrize(
    ("expected", "got", "differences"),
    [
        (answer(status=200), answer(status=500), {("status:200-500", "status")}),
        (answer(b"a", status=200), answer(b"b", status=500), {("status:200-500", "status")}),
        (answer({"a": 1}), answer({"a": 2}, status=201), {("status:200-201", "status"), ("/a", "value")}),
        (answer(b"", ("X-A", "1")), answer(), {("header:x-a", "missing")}),
        (answer(), answer(b"", ("X-A", "1")), {("header:x-a", "extra")}),
        (answer(b"", ("X-A", "1")), answer(b"", ("X-A", "2")), {("header:x-a", "header")}),
        (answer(b"", ("X-A", "1"), ("X-A", "2")), answer(b"", ("X-A", "1")), {("header:x-a", "header")}),
        (answer(b"", ("ETag", '"a"')), answer(b"", ("ETag", 'W/"a"')), {("header:etag", "format")}),
        (answer(b"", ("ETag", '"1-2-3"')), answer(b"", ("ETag", '"abc"')), {("header:etag", "format")}),
        (answer(b"", ("Location", "http://a/")), answer(b"", ("Location", "https://a/")),
         {("header:location;scheme", "header")}),
        (answer(b"", ("Location", "/a")), answer(b"", ("Location", "/b")), {("header:location", "header")}),
        (answer(b"x", stream=True), answer(b"x"), {("header:transfer-encoding", "missing")}),
        (answer(status=204), answer(b"x", status=204), {("body", "extra")}),
        (answer(b"x"), answer(), {("body", "missing")}),
        (answer(b"x"), answer(b"y"), {("body", "value")}),
        (answer({}), answer(b"<p>", ("Content-Type", "text/html")),
         {("header:content-type", "content-type"), ("body", "type")}),
        (answer(b'{"a":1,"a":2}', JSON), answer({"a": 2}), {("/a", "type")}),
        (answer(b"a" * (CAP + 1)), answer(b"b" * (CAP + 1)), {("body", "value")}),
        (answer(b"a" * (CAP + 1)), answer(b"a"), {("body", "length")}),
    ],
)  # fmt: skip
def test_a_difference_outside_of_json_is_named(
    expected: Answer, got: Answer, differences: set[tuple[str, str]]
) -> None:
    assert found(expected, got) == differences


def test_a_head_has_headers_only() -> None:
    assert found(answer(b"x"), answer(b""), HEAD) == set()


def cookie(**attributes: Any) -> Answer:
    response = Response()
    response.set_cookie("sid", **{"value": "1", **attributes})
    return of_flask(response)


@pytest.mark.parametrize(
    ("attributes", "differences"),
    [
        ({"value": "2"}, {("cookie:sid", "value")}),
        ({"httponly": True}, {("cookie:sid;httponly", "extra")}),
        ({"samesite": "Lax"}, {("cookie:sid;samesite", "extra")}),
        ({"path": "/x"}, {("cookie:sid;path", "value")}),
        ({"max_age": 60}, {("cookie:sid;max-age", "extra"), ("cookie:sid;expires", "extra")}),
        ({"path": None}, {("cookie:sid;path", "missing")}),
    ],
)
def test_a_cookie_that_flask_sets_otherwise_is_named(
    attributes: dict[str, Any], differences: set[tuple[str, str]]
) -> None:
    assert found(cookie(), cookie(**attributes)) == differences


def test_dates_to_come_are_alike_and_the_past_is_not_the_future() -> None:
    later = cookie(expires=2_000_000_000)
    assert found(later, cookie(expires=2_100_000_000)) == set()
    assert found(later, cookie(expires=0)) == {("cookie:sid;expires", "value")}


def test_sessions_signed_at_two_times_are_equal_and_two_sessions_are_not() -> None:
    app = Flask("session", static_folder=None)
    app.secret_key = "k" * 32
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None

    class Later(type(signer.make_signer("salt"))):  # type: ignore[misc]  # the class is the app's
        def get_timestamp(self) -> int:
            return 1_999_999_999

    first = str(signer.dumps({"user": 1}))
    other = str(signer.dumps({"user": 2}))
    signer.signer = Later
    later = str(signer.dumps({"user": 1}))
    assert later != first
    assert found(cookie(value=first), cookie(value=later)) == set()
    assert found(cookie(value=first), cookie(value=other)) == {("cookie:sid", "value")}


def test_a_redirect_of_flask_is_its_own_equal() -> None:
    app = Flask("redirects", static_folder=None)
    with app.test_request_context("/x"):
        relative = of_flask(make_response(redirect("/y")))
        absolute = of_flask(make_response(redirect("http://localhost/y")))
    assert found(relative, absolute) == {("body", "value")}


@pytest.mark.parametrize(
    ("pattern", "path", "matched"),
    [
        ("/a/*/b", "/a/*/b", True),
        ("/*/b", "/a/b", True),
        ("/a", "/a/b", False),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/a", True),
        ("/a/**", "/ab", False),
        ("**", "header:x-a", True),
        ("status", "status:404-200", True),
        ("status:404-200", "status:404-500", False),
        ("header", "header:x-a", True),
        ("/a", "/a:b", False),
    ],
)
def test_a_pattern_names_paths(pattern: str, path: str, matched: bool) -> None:
    assert path_matches(pattern, path) is matched


def test_what_is_ignored_is_left_out_and_nothing_else() -> None:
    expected, got = answer({"a": 1, "b": 1}), answer({"a": 2, "b": "1"})
    left = compare(expected, got, ignore=[Ignore("/a"), Ignore("/b", Kind.VALUE)])
    assert [(one.path, one.kind) for one in left] == [("/b", Kind.TYPE)]


def test_nesting_beyond_what_python_reads_is_compared_as_text() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert found(answer(deep, JSON), answer(deep + b" ", JSON)) == {("body", "value")}


def test_a_bomb_is_not_unpacked() -> None:
    bomb = ("Content-Encoding", "gzip")
    one, other = gzip.compress(bytes(CAP * 40)), gzip.compress(bytes(CAP * 40 + 1))
    assert {path for path, _ in found(answer(one, bomb), answer(other, bomb))} == {"body"}


_TEXTS = st.text(st.characters(max_codepoint=255), max_size=20)
_HEADERS = st.tuples(
    st.sampled_from(
        ["Content-Type", "Content-Encoding", "Set-Cookie", "Location", "ETag", "Vary", "X-A"]
    ),
    _TEXTS
    | st.sampled_from(["application/json", "gzip", "a=1; expires=x", "http://[", "multipart/x; boundary=a"]),
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_BODIES = (
    st.binary() | st.binary().map(gzip.compress) | _VALUES.map(lambda v: json.dumps(v).encode())
)
_ANSWERS = st.builds(
    Answer,
    st.sampled_from([200, 201, 204, 304, 404]),
    st.lists(_HEADERS, max_size=5).map(tuple),
    _BODIES,
)


@given(_ANSWERS, _ANSWERS)
def test_any_two_answers_can_be_compared(expected: Answer, got: Answer) -> None:
    paths = [(one.path, one.kind) for one in compare(expected, got)]
    assert len(set(paths)) == len(paths)


@given(_ANSWERS)
def test_an_answer_is_equal_to_itself(one: Answer) -> None:
    twin = Answer(one.status, tuple(one.headers), bytes(one.body) if one.status != 204 else b"")
    assert compare(one, twin) == ()


@given(_VALUES, _VALUES)
def test_two_json_bodies_are_equal_only_if_their_texts_mean_the_same(
    ours: Any, theirs: Any
) -> None:
    same = json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)
    assert (not compare(answer(ours), answer(theirs))) is same
