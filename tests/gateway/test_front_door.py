"""The front door, through the gateway: whichever stack answers, clients find the paths that Flask had."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from flask import Flask, request

from gateway.app import Gateway
from gateway.override import Overrides
from gateway.words import Stack
from tests.door import apps
from tests.drive import Answer, AsgiTarget, Request, WsgiTarget
from tests.stacks import gateway, settings

ALL: Final = "phase: gradual\ndefaults: {modern: 100}\n"
PLANS: Final = {
    "0 %": "phase: gradual\n",
    "100 %": ALL,
    "full": "phase: full\n",
}
PORTS: Final = {"kit": apps.modern_with_kit, "bare": apps.modern}
# What is asked of each kind of rule; P-rows of the parity table in their names.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "P001 unknown": ("/nope", "/nope/", "/json/more", "/static", "/items", "/path"),
    "P003 two views": ("/two", "/only-post"),
    "P004 slash missing": ("/slash", "/slash?a=1&b=%20x", "/items/3/parts", "/page", "/path/a/edit/"),
    "P005 slash too many": ("/noslash/", "/items/3/", "/slash/"),
    "P006 leading slashes": ("//json", "///json", "//slash", "//items/4", "//evil.example", "/%2Fjson"),
    "P007 slashes inside": ("/items//5", "/slash//", "/json//", "/items//abc", "/u//me"),
    "P008 integers": (
        "/items/3", "/items/05", "/items/-1", "/items/+5", "/items/%205", "/items/1_000", "/items/5.0",
        "/items/abc", "/items/" + "9" * 30,
    ),
    "P010 other digits": ("/items/%D9%A3", "/items/%D9%A3/parts", "/items/1%D9%A3/parts/", "/fl/%D9%A3.5"),
    "P011 floats": ("/fl/1.5", "/fl/1", "/fl/1e3", "/fl/nan", "/fl/-1.5"),
    "P012 uuids": (
        "/uu/00000000-0000-0000-0000-00000000000A", "/uu/0000000000000000000000000000000a", "/uu/x",
    ),
    "P013 paths": ("/path/", "/path/a//b", "/path/a%2Fb", "/path/a/edit", "/path/a/b/edit", "/path/edit"),
    "P016 docs": ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"),
    "P017 literal": ("/u/me", "/u/you", "/u/me/"),
    "P018 defaults": ("/page/", "/page/1", "/page/2", "/page/01"),
    "P018 any": ("/opt/a", "/opt/c", "/len/ab", "/len/abc", "/own/ab", "/own/AB"),
    "P018 bounds": ("/fixed/007", "/fixed/7", "/range/2", "/range/1", "/range/10", "/range/%D9%A3"),
    "P018 aliases": ("/alias", "/named", "/alias?a=1", "/moved", "/moved/3", "/moved/x"),
    "P018 either": ("/either", "/either/", "/either//"),
    "P015 options": ("/asked", "/silent", "/"),
    "P019 segments": ("/name/a%2Fb", "/name/a%252Fb", "/name/%FF", "/name/", "/name/a%20b%C3%A9", "/name/."),
    "static files": ("/static/a.txt", "/static/none", "/static/", "/static/a/../b"),
}  # fmt: skip
METHODS: Final = ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "FOO")


@pytest.fixture(params=PORTS)
def port(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def app(tmp_path: Path, plan: str, port: str) -> AsyncIterator[Gateway]:
    if plan == "full":  # a start before has seen legacy, and kept its rules
        async with gateway(tmp_path, PLANS["0 %"], apps.legacy, PORTS[port]):
            pass
    async with gateway(tmp_path, PLANS[plan], apps.legacy, PORTS[port]) as app:
        yield app


def told(answer: Answer, *, hooks: bool) -> dict[str, Any]:
    """What a client can tell two answers apart by."""
    allow = answer.header("allow")
    return {
        "status": answer.status,
        "allow": allow and set(allow.split(", ")),
        "location": answer.header("location"),
        "type": answer.header("content-type"),
        "body": answer.body,
        "length": answer.header("content-length"),
        "x-after": hooks and answer.header("x-after"),
    }


@pytest.mark.parametrize("kind", KINDS)
async def test_p018_a_path_is_answered_as_flask_answers_it(
    app: Gateway, kind: str, port: str, plan: str
) -> None:
    flask, ours = WsgiTarget(apps.legacy()), AsgiTarget(app)
    differing = {}
    for method in METHODS:
        for target in KINDS[kind]:
            expected = await flask.send(Request(method, target))
            got = await ours.send(Request(method, target))
            hooks = port == "kit" or got.header("x-served-by") == "legacy"
            first, second = told(expected, hooks=hooks), told(got, hooks=hooks)
            if first != second:
                differing[method, target] = {
                    name: (first[name], second[name]) for name in first if first[name] != second[name]
                }
    assert differing == {}
