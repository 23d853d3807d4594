"""Files that the kit sends against those that Flask sends, byte for byte."""

import io
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import IO, Any

import flask
import pytest
from fastapi import BackgroundTasks, FastAPI
from fastapi import Request as FastAPIRequest
from fastapi.responses import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from gateway.kit.compat import flask_compatible
from gateway.kit.compat.files import send_file, send_from_directory, static_files
from tests.drive import AsgiTarget, Request, WsgiTarget, _scope
from tests.kit.equal import both, comparable, quiet_flask

TEXT = b"hello static\n"
MIB = bytes(range(256)) * 4096
FUTURE = "Fri, 31 Dec 2100 00:00:00 GMT"
PAST = "Sat, 01 Jan 2000 00:00:00 GMT"


class Unsized(io.RawIOBase):
    """A file of which nobody knows the size: neither a path nor a BytesIO."""

    def __init__(self) -> None:
        self.left = 20_000

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self.left)
        buffer[:size] = b"u" * size
        self.left -= size
        return size


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    contents = {"a.txt": TEXT, "big.bin": MIB, "empty": b"", "sub/é.html": b"<a>", "t.tar.gz": b"z"}
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        os.utime(folder / name, (1_700_000_000.25, 1_700_000_000.25))
    (folder.parent / "secret").write_bytes(b"secret")
    return folder


def source(folder: Path, name: str) -> Path | str | IO[bytes]:
    makers: dict[str, Callable[[], Path | str | IO[bytes]]] = {
        "memory": lambda: io.BytesIO(MIB),
        "unsized": lambda: io.BufferedReader(Unsized()),
        "roundabout": lambda: f"{folder}/sub/../a.txt",
    }
    return makers.get(name, lambda: folder / name)()


def flask_files(folder: Path, **options: Any) -> flask.Flask:
    app = quiet_flask(__name__)
    app.add_url_rule("/static/<path:filename>", "static", partial(_static, folder))

    @app.get("/file/<name>")
    def get_file(name: str) -> flask.Response:
        return flask.send_file(source(folder, name), **options)

    @app.get("/from/<path:name>")
    def get_from(name: str) -> flask.Response:
        return flask.send_from_directory(folder, name, **options)

    return app


def _static(folder: Path, filename: str) -> flask.Response:
    return flask.send_from_directory(str(folder), filename, max_age=None)


def fastapi_files(folder: Path, **options: Any) -> AsgiTarget:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    flask_compatible(app)
    app.mount("/static", static_files(folder), name="static")

    @app.get("/file/{name}")
    async def get_file(request: FastAPIRequest, name: str) -> Response:
        return await send_file(request, source(folder, name), **options)

    @app.get("/from/{name:path}")
    async def get_from(request: FastAPIRequest, name: str) -> Response:
        return await send_from_directory(request, folder, name, **options)

    return AsgiTarget(app)


@cache
def pair(folder: Path) -> tuple[flask.Flask, AsgiTarget]:
    return flask_files(folder), fastapi_files(folder)


async def assert_same(folder: Path, request: Request) -> None:
    ours, flasks = await both(*pair(folder), request)
    assert ours == flasks


def tag(folder: Path, target: str) -> str:
    return WsgiTarget(flask_files(folder)).ask(Request("GET", target)).header("etag") or ""


@pytest.mark.parametrize("target", ["/static/a.txt", "/file/a.txt"])
async def test_p095_the_tag_is_flasks(folder: Path, target: str) -> None:
    answer = await fastapi_files(folder).send(Request("GET", target))
    assert answer.header("etag") == tag(folder, target) != ""


NAMES = ["a.txt", "big.bin", "empty", "t.tar.gz", "roundabout"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", NAMES)
async def test_p096_a_file_has_the_headers_of_flask(folder: Path, name: str, method: str) -> None:
    await assert_same(folder, Request(method, f"/file/{name}"))


CONDITIONS = {
    "none": {},
    "modified since the past": {"If-Modified-Since": PAST},
    "not modified": {"If-Modified-Since": FUTURE},
    "any tag": {"If-None-Match": "*"},
    "another tag": {"If-None-Match": '"x"'},
    "if it matches another": {"If-Match": '"x"'},
    "unmodified since": {"If-Unmodified-Since": PAST},
    "first bytes": {"Range": "bytes=0-4"},
    "last bytes": {"Range": "bytes=-3"},
    "from the middle": {"Range": "bytes=6-"},
    "beyond the end": {"Range": "bytes=4-10000000"},
    "nothing of it": {"Range": "bytes=10000000-"},
    "two ranges": {"Range": "bytes=0-1,3-4"},
    "other unit": {"Range": "lines=0-1"},
    "no range at all": {"Range": "x"},
    "range if it is old enough": {"Range": "bytes=0-1", "If-Range": FUTURE},
    "range if it is another": {"Range": "bytes=0-1", "If-Range": '"x"'},
    "range of what is known": {"Range": "bytes=0-1", "If-Modified-Since": FUTURE},
}
SHOWN = ["/file/a.txt", "/static/a.txt", "/from/a.txt", "/file/empty"]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("target", SHOWN)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_p097_conditions_and_ranges_are_met_as_in_flask(
    folder: Path, method: str, target: str, condition: str
) -> None:
    await assert_same(folder, Request(method, target, CONDITIONS[condition]))


@pytest.mark.parametrize("name", ["If-None-Match", "If-Match", "If-Range"])
async def test_p097_its_own_tag_is_recognised(folder: Path, name: str) -> None:
    headers = {name: tag(folder, "/file/a.txt"), "Range": "bytes=0-1"}
    await assert_same(folder, Request("GET", "/file/a.txt", headers))


async def test_p054_no_range_of_the_file_is_the_html_page(folder: Path) -> None:
    request = Request("GET", "/static/a.txt", {"Range": "bytes=100-"})
    answer = await fastapi_files(folder).send(request)
    assert (answer.status, answer.header("content-range")) == (416, "bytes */13")
    assert b"<h1>Requested Range Not Satisfiable</h1>" in answer.body


async def test_p098_several_ranges_are_refused(folder: Path) -> None:
    request = Request("GET", "/static/a.txt", {"Range": "bytes=0-1,3-4"})
    assert (await fastapi_files(folder).send(request)).status == 416


OPTIONS: dict[str, dict[str, Any]] = {
    "attachment": {"as_attachment": True},
    "other name": {"as_attachment": True, "download_name": "naïve.txt"},
    "name with quotes": {"download_name": 'a "b";c.txt'},
    "type": {"mimetype": "application/x-y"},
    "unconditional": {"conditional": False},
    "no tag": {"etag": False},
    "own tag": {"etag": "mine"},
    "own time": {"last_modified": 1_600_000_000},
    "no age": {"max_age": 0},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("target", ["/file/a.txt", "/from/a.txt", "/from/t.tar.gz"])
async def test_p099_every_option_does_what_flasks_does(
    folder: Path, target: str, name: str
) -> None:
    options = OPTIONS[name]
    request = Request("GET", target)
    ours, flasks = await both(
        flask_files(folder, **options), fastapi_files(folder, **options), request
    )
    for answer in (ours, flasks):
        answer[1].pop("expires", None)  # from the clock
    assert ours == flasks


async def test_p099_a_name_beyond_ascii_is_given_in_both_spellings(folder: Path) -> None:
    target = fastapi_files(folder, as_attachment=True, download_name="naïve.txt")
    answer = await target.send(Request("GET", "/file/a.txt"))
    expected = "attachment; filename=naive.txt; filename*=UTF-8''na%C3%AFve.txt"
    assert answer.header("content-disposition") == expected


async def test_p096_an_age_gives_an_end(folder: Path) -> None:
    answer = await fastapi_files(folder, max_age=60).send(Request("GET", "/file/a.txt"))
    assert sorted((answer.header("cache-control") or "").split(", ")) == ["max-age=60", "public"]
    assert answer.header("expires")


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_p100_a_file_in_memory_is_sent_as_flask_sends_it(
    folder: Path, method: str, condition: str
) -> None:
    request = Request(method, "/file/memory", CONDITIONS[condition])
    options: dict[str, Any] = {"download_name": "x.bin", "etag": "t", "last_modified": 1e9}
    ours, flasks = await both(
        flask_files(folder, **options), fastapi_files(folder, **options), request
    )
    assert ours == flasks


async def test_p100_a_few_bytes_of_a_file_in_memory_are_few_bytes(folder: Path) -> None:
    target = fastapi_files(folder, mimetype="a/b")
    answer = await target.send(Request("GET", "/file/memory", {"Range": "bytes=0-3"}))
    assert (answer.status, answer.body) == (206, MIB[:4])


async def test_p100_a_file_of_unknown_size_is_sent_whole(folder: Path) -> None:
    ours, flasks = await both(
        flask_files(folder, mimetype="a/b"),
        fastapi_files(folder, mimetype="a/b"),
        Request("GET", "/file/unsized"),
    )
    assert ours == flasks


async def test_p100_a_name_or_a_type_is_needed_for_a_file_in_memory(folder: Path) -> None:
    request = Request("GET", "/file/memory")
    await assert_same(folder, request)
    assert (await fastapi_files(folder).send(request)).status == 500


STATIC = {
    "in a folder": ("GET", "/static/sub/%C3%A9.html"),
    "missing": ("GET", "/static/nope"),
    "missing, HEAD": ("HEAD", "/static/nope"),
    "a folder": ("GET", "/static/sub"),
    "a folder with its slash": ("GET", "/static/sub/"),
    "the folder itself": ("GET", "/static/"),
    "without a slash": ("GET", "/static"),
    "outside": ("GET", "/static/../secret"),
    "outside, encoded": ("GET", "/static/%2e%2e%2fsecret"),
    "absolute": ("GET", "/static/%2Fetc%2Fpasswd"),
    "slashes": ("GET", "/static//sub//%C3%A9.html?a=1"),
    "a slash too many": ("GET", "/static//a.txt"),
    "slashes only": ("GET", "/static//"),
    "wrong method of the folder": ("POST", "/static/"),
    "options of the folder": ("OPTIONS", "/static/"),
    "slash at the end": ("GET", "/static/a.txt/"),
    "null byte": ("GET", "/static/a%00.txt"),
    "options": ("OPTIONS", "/static/a.txt"),
    "options of a missing one": ("OPTIONS", "/static/nope"),
    "wrong method": ("POST", "/static/a.txt"),
    "wrong method of a missing one": ("DELETE", "/static/nope"),
    "unknown method": ("BREW", "/static/a.txt"),
}


@pytest.mark.parametrize("name", STATIC)
async def test_p095_static_paths_are_answered_as_flasks_static_route_does(
    folder: Path, name: str
) -> None:
    await assert_same(folder, Request(*STATIC[name]))


@settings(deadline=None)  # the first example builds the apps
@given(
    st.sampled_from(["GET", "OPTIONS", "POST"]),
    st.lists(st.sampled_from(["", "sub", "a.txt", "..", ".", "%2F", "static", "%C3%A9.html"])),
)
async def test_p095_every_static_path_is_read_as_flask_reads_it(
    folder: Path, method: str, parts: list[str]
) -> None:
    await assert_same(folder, Request(method, "/static/" + "/".join(parts)))


async def test_p095_a_path_of_a_directory_must_stay_inside(folder: Path) -> None:
    request = Request("GET", "/from/%2e%2e/secret")
    await assert_same(folder, request)
    assert (await fastapi_files(folder).send(request)).status == 404


@settings(deadline=None)  # the first example builds the apps
@given(st.text("bytes=0123456789-, ", max_size=12), st.sampled_from(["/file/a.txt", "/file/empty"]))
async def test_p098_every_range_is_read_as_flask_reads_it(
    folder: Path, text: str, target: str
) -> None:
    await assert_same(folder, Request("GET", target, {"Range": f"bytes={text}"}))


async def receive() -> Message:
    return {"type": "http.request"}


async def test_p095_a_large_file_is_sent_in_blocks_and_closed(folder: Path) -> None:
    sent: list[Message] = []
    opened = (folder / "big.bin").open("rb")
    app = FastAPI()

    @app.get("/big")
    async def get_big(request: FastAPIRequest) -> Response:
        return await send_file(request, opened, mimetype="a/b")

    async def send(message: Message) -> None:
        sent.append(message)

    await app(_scope(Request("GET", "/big"), {}), receive, send)
    assert b"".join(message.get("body", b"") for message in sent) == MIB
    assert max(len(message.get("body", b"")) for message in sent) == 256 * 1024
    assert opened.closed


async def test_p095_a_file_is_closed_when_the_client_has_gone(folder: Path) -> None:
    opened = (folder / "big.bin").open("rb")
    app = FastAPI()

    @app.get("/big")
    async def get_big(request: FastAPIRequest) -> Response:
        return await send_file(request, opened, mimetype="a/b")

    async def send(_message: Message) -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await app(_scope(Request("GET", "/big"), {}), receive, send)
    assert opened.closed


@pytest.mark.parametrize("path", ["/a/b", ""])
async def test_p095_the_static_route_may_be_anywhere(folder: Path, path: str) -> None:
    app, oracle = FastAPI(), quiet_flask(__name__)
    flask_compatible(app)
    app.mount(path, static_files(folder))
    oracle.add_url_rule(f"{path}/<path:filename>", "static", partial(_static, folder))
    for target in ("/a.txt", "/sub//x", "//a.txt", "/nope", "/sub/%C3%A9.html"):
        request = Request("GET", path + target)
        ours, flasks = await both(oracle, AsgiTarget(app), request)
        assert ours == flasks, target


async def test_p096_the_date_is_left_to_the_server(folder: Path) -> None:
    answer = await fastapi_files(folder).send(Request("GET", "/file/a.txt"))
    assert answer.header("date") is None
    assert WsgiTarget(flask_files(folder)).ask(Request("GET", "/file/a.txt")).header("date")


async def test_p095_work_after_the_answer_is_done_after_a_file(folder: Path) -> None:
    app, done = FastAPI(), list[str]()

    @app.get("/file")
    async def get_file(request: FastAPIRequest, tasks: BackgroundTasks) -> Response:
        tasks.add_task(done.append, "done")
        return await send_file(request, folder / "a.txt")

    await AsgiTarget(app).send(Request("GET", "/file"))
    assert done == ["done"]


async def test_p095_the_mount_refuses_websockets(folder: Path) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope = {**_scope(Request("GET", "/a.txt"), {}), "type": "websocket"}
    await static_files(folder)(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_p095_the_app_answers_a_missing_file_in_its_own_way(folder: Path) -> None:
    app = FastAPI()
    app.mount("/static", static_files(folder))
    answer = await AsgiTarget(app).send(Request("GET", "/static/nope"))
    assert comparable(answer)[2] == b'{"detail":"Not Found"}'
