"""Which stack answers is decided once, by one table: never by how a request is spelled or which app mounts which."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.app import Gateway
from gateway.kit.compat import flask_compatible
from tests.drive import Answer, AsgiTarget, Request
from tests.stacks import gateway

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND")


def legacy_app() -> Flask:
    """A leaf, a branch, one of both kinds of slash each, and one route of its own."""
    app = Flask("legacy")
    for path in ("/both", "/leaf", "/branch/", "/old", "/dav/<path:rest>"):
        app.add_url_rule(
            path, path, lambda **_: {"stack": "legacy"}, methods=["GET", "POST"],
        )  # fmt: skip
    return app


def modern_app(*prepare: Callable[[FastAPI], None]) -> FastAPI:
    app = FastAPI()
    for step in prepare:
        step(app)

    async def answer() -> dict[str, str]:
        return {"stack": "modern"}

    for path in ("/both", "/leaf", "/branch/", "/new", "/dav/{rest:path}"):
        app.add_api_route(path, answer, methods=["GET", "POST"])
    return app


def everything(share: int) -> str:
    return f"phase: gradual\ndefaults: {{modern: {share}}}\n"


@pytest.fixture
async def modern(tmp_path: Path) -> AsyncIterator[Gateway]:
    """Everything that may go to modern does."""
    async with gateway(tmp_path, everything(100), legacy_app, modern_app) as app:
        yield app


async def ask(app: Any, method: str, target: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await AsgiTarget(app).send(Request(method, target, named))


TABLE = {
    "/both": "modern modern legacy modern legacy legacy legacy legacy",
    "/both/": "legacy legacy legacy legacy legacy legacy legacy legacy",
    "/branch/": "modern modern legacy modern legacy legacy legacy legacy",
    "/dav/a/b": "modern modern legacy modern legacy legacy legacy legacy",
    "/old": "legacy legacy legacy legacy legacy legacy legacy legacy",
    "/new": "legacy legacy legacy legacy legacy legacy legacy legacy",
    "/nope": "legacy legacy legacy legacy legacy legacy legacy legacy",
    "/docs": "legacy legacy legacy legacy legacy legacy legacy legacy",
    "/openapi.json": "legacy legacy legacy legacy legacy legacy legacy legacy",
}


@pytest.mark.parametrize("header", ["cookie", "x_api_key", "authorization", "x_served_by"])
async def test_t77_at_0_percent_nothing_that_a_client_keeps_leads_to_modern(
    tmp_path: Path, header: str
) -> None:
    """At 100 % the same request goes there: 0 is a share like any other, and no stack is remembered."""
    kept = {header: "stack=modern; sticky=modern"}
    for share, stack in ((100, "modern"), (0, "legacy")):
        folder = tmp_path / stack
        folder.mkdir()
        async with gateway(folder, everything(share), legacy_app, modern_app) as app:
            answers = [await ask(app, "GET", "/both", **kept) for _ in range(3)]
        assert [answer.header("x-served-by") for answer in answers] == [stack] * 3


@pytest.mark.parametrize(("path", "stacks"), TABLE.items(), ids=list(TABLE))
async def test_t20_which_stack_answers_is_a_table(modern: Gateway, path: str, stacks: str) -> None:
    """Of each method of METHODS: modern only where a route names it, legacy all the rest."""
    found = [(await ask(modern, method, path)).header("x-served-by") for method in METHODS]
    assert dict(zip(METHODS, found, strict=True)) == dict(zip(METHODS, stacks.split(), strict=True))


@pytest.mark.parametrize("share", [0, 100])
async def test_t20_the_answers_to_what_no_route_names_are_those_of_legacy(
    tmp_path: Path, share: int
) -> None:
    client = legacy_app().test_client()
    async with gateway(tmp_path, everything(share), legacy_app, modern_app) as app:
        for path in ("/both/", "/nope", "/docs", "/new", "/branch"):
            for method in ("GET", "PUT", "OPTIONS"):
                answer, alone = await ask(app, method, path), client.open(path, method=method)
                assert (answer.status, answer.header("location")) == (
                    alone.status_code,
                    alone.headers.get("Location", "").replace("localhost", "api.example") or None,
                ), (method, path)


async def followed(app: Any, target: str, client: str) -> list[tuple[int, str | None]]:
    """Statuses and stacks of a request and of the redirects behind it, at most five."""
    seen = []
    for _ in range(6):
        answer = await ask(app, "GET", target, x_api_key=client)
        seen.append((answer.status, answer.header("x-served-by")))
        location = answer.header("location")
        if location is None:
            break
        parts = urlsplit(location)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
    return seen


def slashes_of_its_own() -> Starlette:
    """A modern app with the other spelling of each route, which redirects as Starlette does."""

    async def answer(_request: Any) -> JSONResponse:
        return JSONResponse({"stack": "modern"})

    return Starlette(routes=[Route(path, answer) for path in ("/leaf/", "/branch", "/both")])


def mended() -> FastAPI:
    return modern_app(flask_compatible)


@pytest.mark.parametrize("make", [modern_app, mended], ids=["bare", "with the kit"])
@pytest.mark.parametrize("path", ["/branch", "/branch/", "/branch?a=1", "//branch", "/leaf"])
async def test_b118_a_redirect_ends_at_one_stack_and_never_returns(
    tmp_path: Path, make: Callable[[], Any], path: str
) -> None:
    async with gateway(tmp_path, everything(50), legacy_app, make) as app:
        stacks = set()
        for client in range(40):
            seen = await followed(app, path, f"{client}")
            assert [status for status, _ in seen] in ([200], [308, 200]), seen
            stacks.add(seen[-1][1])
    assert stacks == {"legacy", "modern"}


@pytest.mark.parametrize("share", [0, 50, 100])
@pytest.mark.parametrize("path", ["/leaf", "/leaf/", "/branch", "/branch/"])
async def test_b118_stacks_that_spell_a_slash_differently_do_not_send_clients_around(
    tmp_path: Path, path: str, share: int
) -> None:
    """Legacy has `/leaf` and `/branch/`, modern `/leaf/` and `/branch`: the front door's spelling counts."""
    alone = legacy_app().test_client().get(path, follow_redirects=True).status_code
    async with gateway(tmp_path, everything(share), legacy_app, slashes_of_its_own) as app:
        for client in range(40):
            seen = await followed(app, path, f"{client}")
            assert len(seen) <= 2, seen
            assert seen[-1][0] == alone, seen


@pytest.mark.parametrize("share", [0, 50, 100])
async def test_b118_both_spellings_of_a_path_get_the_same_stack(tmp_path: Path, share: int) -> None:
    async with gateway(tmp_path, everything(share), legacy_app, mended) as app:
        for client in range(40):
            ends = {
                (await followed(app, path, f"{client}"))[-1] for path in ("/branch", "/branch/")
            }
            assert len(ends) == 1, ends


PINNED = """\
phase: gradual
defaults: {modern: 100, unit: ['cookie:sid', client]}
routes:
  - {route: '* /dav/**', modern: 0}
"""


async def test_b119_a_plan_pins_all_below_a_prefix_to_one_stack(tmp_path: Path) -> None:
    async with gateway(tmp_path, PINNED, legacy_app, modern_app) as app:
        for client in range(20):
            for method in METHODS:
                answer = await ask(app, method, f"/dav/file-{client}/part", cookie=f"sid={client}")
                assert answer.header("x-served-by") == "legacy"
        assert (await ask(app, "GET", "/both")).header("x-served-by") == "modern"


async def test_b119_a_session_that_polls_stays_with_its_stack_whoever_shares_its_address(
    tmp_path: Path,
) -> None:
    plan = PINNED.replace("modern: 100", "modern: 50")
    async with gateway(tmp_path, plan, legacy_app, modern_app) as app:
        stacks = set()
        for session in range(20):
            cookie = f"theme=dark; sid={session}"
            polls = [
                (await ask(app, method, f"/both?t={turn}", cookie=cookie)).header("x-served-by")
                for turn in range(5)
                for method in ("GET", "POST")
            ]
            assert len(set(polls)) == 1
            stacks.add(polls[0])
    assert stacks == {"legacy", "modern"}
