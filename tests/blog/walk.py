"""One visit to the blog, and what a client could tell of it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadData

from tests.blog.browser import Browser

ALICE = {"username": "alice", "password": "secret"}
POST = {"title": "One", "body": "text"}
# What a client may send that reads no pages.
DIRECT: tuple[tuple[str, str, dict[str, str] | None], ...] = (
    ("GET", "/", None),
    ("GET", "/static/style.css", None),
    ("GET", "/hello", None),
    ("POST", "/auth/register", ALICE | {"username": ""}),
    ("POST", "/auth/register", ALICE),
    ("GET", "/create", None),
    ("POST", "/auth/login", ALICE | {"password": "wrong"}),
    ("POST", "/auth/login", ALICE),
    ("POST", "/create", POST),
    ("POST", "/create", POST | {"title": ""}),
    ("GET", "/1/update", None),
    ("GET", "/99/update", None),
    ("GET", "/x/update", None),
    ("GET", "/nope", None),
    ("PUT", "/create", None),
    ("GET", "/auth/login/", None),
    ("HEAD", "/", None),
    ("OPTIONS", "/", None),
    ("POST", "/auth/login", None),
    ("GET", "/auth/logout", None),
)

_TOLD = ("content-type", "cache-control", "content-disposition", "etag", "www-authenticate")
_SETS = ("vary", "allow")


def walk(browser: Browser) -> None:
    """Two authors and a visitor: all that the pages offer, and what they do not."""
    _look_around(browser)
    _register(browser)
    _log_in(browser)
    _write(browser)
    _meddle(browser)
    _ask_for_what_is_not_there(browser)


def ask_directly(browser: Browser) -> None:
    for method, path, data in DIRECT:
        browser.send(path, method, data=data)


def transcript(browser: Browser) -> list[dict[str, Any]]:
    """Each answer by what matters of it: no times, no signatures, no server's own headers."""
    return [_told(answer) for answer in browser.seen]


def _look_around(browser: Browser) -> None:
    browser.open("/")
    style = browser.click("stylesheet")
    browser.open(str(style.url), headers={"If-None-Match": style.headers.get("etag", "")})
    browser.open(str(style.url), headers={"Range": "bytes=0-9"})
    browser.open(str(style.url), headers={"Range": "bytes=99999-"})
    browser.open("/static/missing.css")
    browser.open("/static/../flaskr.py")
    browser.open("/")


def _register(browser: Browser) -> None:
    browser.click("Register")
    browser.submit("Register", username="", password="x")
    browser.submit("Register", username="alice", password="")
    browser.submit("Register", username="alice", password="secret <1>")
    browser.click("Register")
    browser.submit("Register", username="alice", password="other")
    browser.submit("Register", username="bøb & söns", password="geheim")


def _log_in(browser: Browser) -> None:
    browser.open("/auth/login")
    browser.submit("Log In", username="nobody", password="x")
    browser.submit("Log In", username="alice", password="wrong")
    browser.submit("Log In", username="alice", password="secret <1>")


def _write(browser: Browser) -> None:
    browser.click("New")
    browser.submit("Save", title="", body="kept while <the title> is missing")
    browser.submit("Save", title="First & <b>bold</b>", body="Grüße\r\nzweite Zeile")
    browser.click("New")
    browser.submit("Save", title="Second", body="")
    browser.click("Edit")
    browser.submit("Save", title="")
    browser.submit("Save", title="Second, edited")
    browser.click("New")
    browser.submit("Save", title="Third", body="to be deleted")
    browser.click("Edit")
    browser.submit("Delete")


def _meddle(browser: Browser) -> None:
    browser.click("Log Out")
    for method, path in (("GET", "/create"), ("POST", "/create"), ("POST", "/1/delete")):
        browser.open(path, method)
    browser.submit("Log In", username="bøb & söns", password="geheim")
    for method, path in (("GET", "/1/update"), ("POST", "/1/update"), ("POST", "/1/delete")):
        browser.open(
            path, method, data={"title": "mine", "body": "now"} if method == "POST" else None
        )
    browser.open("/")


def _ask_for_what_is_not_there(browser: Browser) -> None:
    for method, path in (
        ("GET", "/99/update"), ("GET", "/x/update"), ("GET", "/1/delete"), ("POST", "/"), ("PUT", "/create"),
        ("GET", "/nope"), ("GET", "/auth/login/"), ("GET", "/docs"), ("GET", "/hello"), ("HEAD", "/"),
        ("HEAD", "/nope"), ("OPTIONS", "/"), ("OPTIONS", "/create"), ("POST", "/auth/login"), ("GET", "/auth//login"),
    ):  # fmt: skip
        browser.open(path, method)
    browser.open("/create", "POST", data={"title": "no body"})
    browser.open("/create", "POST", data={"title": ["a", "b"], "body": ["first", "second"]})
    browser.open("/auth/login", "POST", json={"username": "alice"})
    browser.open("/", headers={"Cookie": "session=forged"})
    browser.open("/")
    browser.click("Log Out")


def _told(answer: httpx.Response) -> dict[str, Any]:
    headers = answer.headers
    told: dict[str, Any] = {name: headers[name] for name in _TOLD if name in headers}
    for name in _SETS:
        told[name] = {one.strip().lower() for one in headers.get(name, "").split(",")}
    return {
        "request": f"{answer.request.method} {answer.request.url.raw_path.decode()}",
        "status": answer.status_code,
        "location": _path(urljoin(str(answer.url), headers.get("location", ""))),
        "last-modified": "last-modified" in headers,
        "set-cookie": [_cookie(line) for line in headers.get_list("set-cookie")],
        "body": answer.text.replace(f"http://{answer.url.netloc.decode()}", "http://host"),
        **told,
    }


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _cookie(line: str) -> tuple[Any, ...]:
    pair, *attributes = line.split("; ")
    name, _, value = pair.partition("=")
    return name, _session(value) if value else "", *sorted(attributes)


def _reader() -> Callable[[str], Any]:
    app = Flask("reader")
    app.secret_key = "dev"
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    loads: Callable[[str], Any] = serializer.loads
    return loads


def _session(value: str) -> Any:
    try:
        return _reader()(value)
    except BadData:
        return "not Flask's"
