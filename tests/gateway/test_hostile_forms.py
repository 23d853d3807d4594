"""Forms, ranges and consoles: what Flask and FastAPI do with them stays what they do alone, and bounded."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from flask import Flask, jsonify, request, send_file

from gateway.app import Gateway
from tests.drive import AsgiTarget
from tests.drive import Request as Ask
from tests.gateway.bridge import CHUNKED, Client, chunk
from tests.stacks import gateway

CPU = 10.0  # seconds; a guard against what grows with the square of its parts
SIZE = 1 << 20
WIDE = SIZE  # bytes of a header field: past our own limit, what do the stacks do?
BOUNDARY = "boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def forms() -> Flask:
    app = Flask("legacy")

    @app.post("/form")
    def form() -> Any:
        files = {
            name: [file.filename, file.mimetype, len(file.read())]
            for name, file in request.files.items(multi=True)
        }
        return jsonify(form=request.form.to_dict(flat=False), files=files)

    return app


@pytest.fixture
async def legacy(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path, "phase: gradual\n", forms, None, field_limit=WIDE) as app:
        yield app


def part(head: str, content: bytes = b"content") -> bytes:
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def field(name: str, content: bytes = b"content") -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"', content)


def file(filename: str, more: str = "") -> bytes:
    return part(f'Content-Disposition: form-data; name="f"; {filename}{more}')


END = f"--{BOUNDARY}--\r\n".encode()
FORMS = {
    "whole": (FORM, field("a") + file('filename="x.txt"', "\r\nContent-Type: text/plain") + END),
    "without a boundary": ("multipart/form-data", field("a") + END),
    "with an empty boundary": ("multipart/form-data; boundary=", field("a") + END),
    "with another boundary": (f"{FORM}other", field("a") + END),
    "with a boundary of 10 kB": (f"{FORM}{'b' * 10_000}", field("a") + END),
    "cut in a head": (FORM, field("a") + b"--boundary\r\nContent-Disp"),
    "cut in a part": (FORM, field("a") + field("b")[:-4]),
    "without its end": (FORM, field("a")),
    "of nothing": (FORM, b""),
    "of its end": (FORM, END),
    "of 10 000 parts": (FORM, b"".join(field(f"n{n}") for n in range(10_000)) + END),
    "of 10 000 files": (FORM, b"".join(file(f'filename="{n}"') for n in range(10_000)) + END),
    "with a part's head of 64 kB": (FORM, part("X: " + "x" * 65_536) + END),
    "with 5 000 headers in a part": (FORM, part("X: x\r\n" * 5_000 + "Y: y") + END),
    "with a part without a head": (FORM, part("") + END),
    "with a part without a name": (FORM, part("Content-Disposition: form-data") + END),
    "with a file that climbs": (FORM, file('filename="../../etc/passwd"') + END),
    "with a file of a drive": (FORM, file('filename="C:\\\\x\\\\y.txt"') + END),
    "with a file name of latin-1": (FORM, file("filename=\"na\u00efve.txt\"") + END),
    "with a file name by RFC 5987": (FORM, file("filename*=UTF-8''na%C3%AFve.txt") + END),
    "with two file names": (FORM, file('filename="a"; filename="b"; filename*=UTF-8\'\'c') + END),
    "with a null in a file name": (FORM, file('filename="a\0.txt"') + END),
    "with a quote in a file name": (FORM, file(r'filename="a\".txt"') + END),
    "with a file of 10 kB of name": (FORM, file(f'filename="{"n" * 10_000}"') + END),
    "with an encoding": (FORM, file('filename="a"', "\r\nContent-Transfer-Encoding: base64") + END),
    "within another": (FORM, part(f"Content-Type: {FORM}2", field("a") + END) + END),
    "named as no form": ("multipart/mixed; boundary=boundary", field("a") + END),
    "of 100 000 fields": ("application/x-www-form-urlencoded", b"a=1&" * 100_000),
    "of one field of 1 MB": ("application/x-www-form-urlencoded", b"a=" + b"x" * SIZE),
    "of percent signs": ("application/x-www-form-urlencoded", b"%=%zz&%ff=%C3%28&a"),
}  # fmt: skip


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(("kind", "body"), FORMS.values(), ids=list(FORMS))
async def test_b049_a_form_is_to_flask_what_it_is_without_the_gateway(
    legacy: Gateway, kind: str, body: bytes, framing: str
) -> None:
    alone = forms().test_client().post("/form", data=body, content_type=kind)
    length = CHUNKED if framing == "chunked" else (b"content-length", b"%d" % len(body))
    headers = [(b"host", b"localhost"), (b"content-type", kind.encode()), length]
    middle = len(body) // 2
    messages = chunk(body[:middle], more=True), chunk(body[middle:])
    client = Client(legacy, *messages, method="POST", path="/form", headers=headers)
    began = time.process_time()
    await client.ask(deadline=60)
    assert time.process_time() - began < CPU
    assert (client.status, client.body) == (alone.status_code, alone.data)
    assert client.status in {200, 413}


@pytest.fixture(params=[0, 100], ids=["legacy", "modern"])
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsgiTarget]:
    """A file served by each stack, and by modern from a folder too."""
    big = tmp_path / "static" / "big.bin"
    big.parent.mkdir()
    big.write_bytes(bytes(SIZE))
    old, new = forms(), FastAPI()
    old.get("/file", endpoint="file")(lambda: send_file(big))
    new.get("/file")(lambda: FileResponse(big))
    old.get("/folder/big.bin", endpoint="folder")(lambda: send_file(big))
    new.mount("/folder", StaticFiles(directory=big.parent))

    plan = f"phase: gradual\ndefaults: {{modern: {request.param}}}\n"
    async with gateway(tmp_path, plan, lambda: old, lambda: new, field_limit=WIDE) as app:
        yield AsgiTarget(cast("Any", app))


RANGES = {
    "10 000 that overlap": "bytes=" + ",".join("0-" for _ in range(10_000)),
    "10 000 apart": "bytes=" + ",".join(f"{n * 100}-{n * 100 + 1}" for n in range(10_000)),
    "10 000 backwards": "bytes=" + ",".join(f"{n * 100}-{n * 100}" for n in range(9_999, -1, -1)),
    "10 000 suffixes": "bytes=" + ",".join(f"-{n}" for n in range(1, 10_001)),
    "100 000 empty ones": "bytes=" + "," * 100_000,
    "digits without an end": f"bytes={'9' * 10_000}-",
    "one with blanks without an end": "bytes=0-" + " " * 100_000 + "1",
    "no unit": "0-1" * 10_000,
}


@pytest.mark.parametrize("value", RANGES.values(), ids=list(RANGES))
async def test_b111_ranges_of_many_parts_cost_no_more_than_the_file(
    files: AsgiTarget, value: str
) -> None:
    for path in ("/file", "/folder/big.bin"):
        began = time.process_time()
        answer = await files.send(Ask("GET", path, {"Range": value}))
        assert time.process_time() - began < CPU
        assert answer.status in {200, 206, 400, 416}, answer.body[:300]
        assert len(answer.body) < 4 * SIZE


async def test_b111_ranges_that_are_longer_than_a_header_may_be_reach_no_stack(
    tmp_path: Path,
) -> None:
    async with gateway(tmp_path, "phase: gradual\n", forms, None) as app:
        asked = Ask("GET", "/form", {"Range": RANGES["10 000 that overlap"]})
        answer = await AsgiTarget(cast("Any", app)).send(asked)
    assert (answer.status, answer.header("x-served-by")) == (431, None)


BOMBS = {"of 10 000 parts": 413, "of 10 000 files": 413, "of 100 000 fields": 200}


@pytest.mark.parametrize(("name", "status"), BOMBS.items(), ids=list(BOMBS))
async def test_b111_a_form_that_is_a_bomb_ends_at_the_limits_of_flask(
    legacy: Gateway, name: str, status: int
) -> None:
    """Its 1 000 parts of a multipart form; other forms are bounded by their bytes, 500 000 of them."""
    kind, body = FORMS[name]
    began = time.process_time()
    asked = Ask("POST", "/form", {"Content-Type": kind}, body)
    answer = await AsgiTarget(cast("Any", legacy)).send(asked)
    assert time.process_time() - began < CPU
    assert answer.status == status


@pytest.mark.parametrize(("share", "stack"), [(0, "legacy"), (100, "modern")])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_b111_a_form_above_the_limit_is_413_before_anybody_parses_it(
    tmp_path: Path, share: int, stack: str, framing: str
) -> None:
    called = []
    old, new = Flask("legacy"), FastAPI()

    @old.post("/form")
    def old_form() -> str:
        called.append("legacy")
        return ""

    @new.post("/form")
    async def form(asked: Request) -> None:
        await asked.body()
        called.append("modern")

    plan = f"phase: gradual\ndefaults: {{modern: {share}}}\n"
    kind, body = FORMS["of 10 000 parts"]
    headers = {"Content-Type": kind}
    if framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    stacks = (lambda: old), (lambda: new)
    async with gateway(tmp_path, plan, *stacks, body_limit=100_000) as app:
        answer = await AsgiTarget(cast("Any", app)).send(Ask("POST", "/form", headers, body))
    assert (answer.status, answer.header("x-served-by"), called) == (413, stack, [])


CONSOLE = (
    "/console",
    "/?__debugger__=yes&cmd=resource&f=debugger.js",
    "/boom?__debugger__=yes&cmd=pinauth&pin=1&s=secret",
    "/boom?__debugger__=yes&cmd=printpin&s=secret",
)


async def test_b124_debug_on_a_flask_app_opens_no_console(tmp_path: Path) -> None:
    app = Flask("legacy")
    app.debug = True

    @app.get("/boom")
    def boom() -> str:
        raise ValueError("legacy is broken")

    async with gateway(tmp_path, "phase: gradual\n", lambda: app, None) as running:
        for target in ("/console", "/boom", *CONSOLE):
            answer = await AsgiTarget(cast("Any", running)).send(Ask("GET", target))
            assert answer.status in {404, 500}
            assert not re.search(b"debugger|console|SECRET", answer.body, re.IGNORECASE)
