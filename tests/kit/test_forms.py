"""Forms, against what `request.form` and `request.files` give."""

import pytest
from fastapi import FastAPI
from flask import Flask
from flask import request as flask_request
from starlette.requests import Request as Asked

from gateway.kit.compat import flask_compatible
from tests.drive import AsgiTarget, Request, WsgiTarget
from tests.kit.fastapi_twin import assert_alike

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=B"}


def field(name: str, value: bytes, more: str = "") -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def upload(name: str, filename: str, content: bytes) -> bytes:
    return field(name, content, f'; filename="{filename}"\r\nContent-Type: text/plain')


END = b"--B--\r\n"

FORMS = {
    "urlencoded, type in upper case": (
        {"Content-Type": URLENCODED["Content-Type"].upper()},
        b"a=1",
    ),
    "multipart, type in upper case": (
        {"Content-Type": "MULTIPART/FORM-DATA; boundary=B"},
        field("a", b"1") + END,
    ),
    "p063: not UTF-8": (URLENCODED, b"a=%FF&%FE=1"),
    "p063: raw bytes that are not UTF-8": (URLENCODED, b"a=\xff"),
    "p065: blank": (URLENCODED, b"a="),
    "p065: blank, multipart": (MULTIPART, field("a", b"") + END),
    "p069: no boundary": ({"Content-Type": "multipart/form-data"}, field("a", b"1") + END),
    "p069: a boundary that is not ASCII": (
        {"Content-Type": "multipart/form-data; boundary=\xe9"},
        END,
    ),
    "p069: another boundary": ({"Content-Type": "multipart/form-data; boundary=C"}, END),
    "p070: cut short": (MULTIPART, field("a", b"1") + field("b", b"2")[:40]),
    "p071: 1100 fields": (URLENCODED, b"&".join([b"a=1"] * 1100)),
    "p071: a large field": (URLENCODED, b"a=" + b"x" * 600_000),
    "p071: a large part": (MULTIPART, field("a", b"x" * 600_000) + END),
    "p071: a part of just the size": (MULTIPART, field("a", b"x" * 500_000) + END),
    "p071: 1000 parts": (MULTIPART, field("a", b"1") * 1000 + END),
    "p071: 1001 parts": (MULTIPART, field("a", b"1") * 1001 + END),
    "p071: a large file": (MULTIPART, upload("f", "f.txt", b"x" * 1_200_000) + END),
    "repeated": (URLENCODED, b"a=1&a=2&b=%C3%A9&b+c=x+y"),
    "fields and files": (
        MULTIPART,
        field("a", "é".encode()) + upload("f", "ü.txt", b"text") + field("a", b"2") + END,
    ),
    "a file without a name": (MULTIPART, upload("f", "", b"") + field("a", b"1") + END),
    "latin-1": (
        MULTIPART,
        field("a", b"\xe9", "\r\nContent-Type: text/plain; charset=latin-1") + END,
    ),
    "JSON": ({"Content-Type": "application/json"}, b'{"a":1}'),
    "no type": ({}, b"a=1"),
    "empty": (URLENCODED, b""),
}

FIELDS = {
    "p045: missing": b"b=1",
    "p057: the first of two": b"a=1&a=2&b=3&b=4&many=x&many=y",
    "p065: blank": b"a=",
    "p065: blank, all": b"a=&b=&n=&many=",
    "p059: junk": b"a=1&n=x",
    "p060: a point": b"a=1&n=5.0",
    "p060: underscores": b"a=1&n=1_0",
    "p063: not UTF-8": b"a=%FF",
    "empty": b"",
}


@pytest.mark.parametrize("name", FORMS)
async def test_p063_to_p071_a_form_is_read_as_flask_reads_it(name: str) -> None:
    headers, body = FORMS[name]
    await assert_alike(Request("POST", "/form", headers, body))


@pytest.mark.parametrize("name", FIELDS)
async def test_p065_declared_fields_are_read_as_flask_reads_them(name: str) -> None:
    await assert_alike(Request("POST", "/field", URLENCODED, FIELDS[name]))


@pytest.mark.parametrize("path", ["/field", "/file"])
async def test_p045_a_form_of_another_type_lacks_its_fields(path: str) -> None:
    await assert_alike(Request("POST", path, {"Content-Type": "application/json"}, b'{"a":"1"}'))


@pytest.mark.parametrize(
    "parts",
    [
        field("a", b"1") + upload("f", "f.txt", b"text"),
        field("a", b"") + upload("f", "f.txt", b""),
        field("a", b"1"),
        upload("f", "f.txt", b"text"),
        field("a", b"1") + field("f", b"no file"),
    ],
)
async def test_declared_files_are_read_as_flask_reads_them(parts: bytes) -> None:
    await assert_alike(Request("POST", "/file", MULTIPART, parts + END))


@pytest.mark.parametrize("size", [10, 11, 200, None])
@pytest.mark.parametrize("parts", [2, 3, None])
async def test_p071_the_limits_are_those_of_the_flask_app(
    size: int | None, parts: int | None
) -> None:
    flask, fastapi = Flask(__name__), _reading_forms()
    flask.config.update(MAX_FORM_MEMORY_SIZE=size, MAX_FORM_PARTS=parts)
    flask.post("/")(lambda: str(len(list(flask_request.form.items(multi=True)))))
    flask_compatible(fastapi, max_form_memory_size=size, max_form_parts=parts)
    body = field("a", b"x" * 11) + field("b", b"") * 2 + END
    request = Request("POST", "/", MULTIPART, body)
    expected = await WsgiTarget(flask).send(request)
    answer = await AsgiTarget(fastapi).send(request)
    assert (answer.status, answer.body) == (expected.status, expected.body)


@pytest.mark.parametrize(("fields", "status"), [(2, 413), (3, 200)])
async def test_p071_a_handlers_own_limits_win(fields: int, status: int) -> None:
    app = FastAPI()
    flask_compatible(app)

    @app.post("/")
    async def read(request: Asked) -> int:
        async with request.form(max_fields=fields) as form:
            return len(form.multi_items())

    body = field("a", b"1") * 3 + END
    assert (await AsgiTarget(app).send(Request("POST", "/", MULTIPART, body))).status == status


def _reading_forms() -> FastAPI:
    app = FastAPI()

    @app.post("/")
    async def read(request: Asked) -> str:
        async with request.form() as form:
            return str(len(form.multi_items()))

    return app
