"""The front door, through the gateway: whichever stack answers, clients find the paths that Flask had."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from fastapi import FastAPI
from flask import Flask, request

from gateway.app import Gateway
from gateway.override import Overrides
from gateway.words import Stack
from tests.door import apps
from tests.door.asking import KINDS, differing
from tests.drive import AsgiTarget, Request
from tests.stacks import gateway, settings

ALL: Final = "phase: gradual\ndefaults: {modern: 100}\n"
PLANS: Final = {
    "0 %": "phase: gradual\n",
    "100 %": ALL,
    "full": "phase: full\n",
}
PORTS: Final = {"kit": apps.modern_with_kit, "bare": apps.modern}


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


@pytest.mark.parametrize("kind", KINDS)
async def test_p018_a_path_is_answered_as_flask_answers_it(
    app: Gateway, kind: str, port: str
) -> None:
    assert await differing(app, kind, hooks=port == "kit") == {}


@pytest.mark.parametrize(
    ("method", "target", "asked"),
    [
        ("GET", "/json?a=%20b", ("GET", "/json", b"/json")),
        ("HEAD", "/json", ("GET", "/json", b"/json")),
        ("GET", "//json", ("GET", "/json", b"/json")),
        ("GET", "/items/05", ("GET", "/items/05", b"/items/05")),
        ("GET", "/items/%D9%A3", ("GET", "/items/3", b"/items/3")),
        ("DELETE", "/items/%D9%A3", ("DELETE", "/items/3", b"/items/3")),
        ("GET", "/fl/%D9%A3.5", ("GET", "/fl/3.5", b"/fl/3.5")),
        ("GET", "/either", ("GET", "/either/", b"/either/")),
        ("GET", "/name/a%20b", ("GET", "/name/a b", b"/name/a%20b")),
        ("GET", "/path/a%2Fb", ("GET", "/path/a/b", b"/path/a%2Fb")),
        ("OPTIONS", "/asked", ("OPTIONS", "/asked", b"/asked")),
    ],
)
async def test_p010_modern_is_asked_for_the_path_that_its_template_has(
    tmp_path: Path, method: str, target: str, asked: tuple[str, str, bytes]
) -> None:
    modern = apps.modern()
    async with gateway(tmp_path, ALL, apps.legacy, lambda: modern) as app:
        await AsgiTarget(app).send(Request(method, target))
    assert modern.asked == [asked]


@pytest.mark.parametrize("target", ["/nope", "/items/-1", "/slash", "/docs", "//evil.example"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "FOO"])
async def test_p001_modern_is_not_asked_for_what_no_rule_of_legacys_is_for(
    tmp_path: Path, method: str, target: str
) -> None:
    modern = apps.modern_with_kit()
    async with gateway(tmp_path, ALL, apps.legacy, lambda: modern) as app:
        await AsgiTarget(app).send(Request(method, target))
    assert modern.asked == []


@pytest.mark.parametrize("name", ["X-Banyan-Door", "x-banyan-door", "X_Banyan_Door"])
@pytest.mark.parametrize("told", ["404", "308 https://evil.example/", "200 GET"])
async def test_a_client_cannot_say_what_the_front_door_has_decided(
    app: Gateway, name: str, told: str
) -> None:
    answer = await AsgiTarget(app).send(Request("GET", "/json", {name: told}))
    assert (answer.status, answer.body) == (200, b"/json []")


async def test_p006_leading_slashes_make_no_redirect_to_another_host(app: Gateway) -> None:
    for target in ("//evil.example/..//slash", "///evil.example//slash", "/%2Fevil.example//json"):
        answer = await AsgiTarget(app).send(Request("GET", target))
        location = answer.header("location") or "http://api.example/"
        assert location.startswith("http://api.example/")


async def test_p018_failover_asks_legacy_for_what_the_client_asked(tmp_path: Path) -> None:
    seen = []
    legacy = apps.legacy()
    legacy.before_request(lambda: seen.append((request.path, request.method)))
    async with gateway(tmp_path, ALL, lambda: legacy, apps.modern) as app:
        answer = await AsgiTarget(app).send(Request("GET", "/items/%D9%A3", {apps.FAILS: "1"}))
    assert answer.header("x-served-by") == "legacy"
    assert seen == [("/items/\u0663", "GET")]


@pytest.mark.parametrize(
    ("target", "served_by"), [("/json", "modern"), ("/nope", "legacy"), ("/items/-1", "legacy")]
)
async def test_an_override_does_not_open_what_legacy_would_not(
    tmp_path: Path, target: str, served_by: str
) -> None:
    async with gateway(tmp_path, PLANS["0 %"], apps.legacy, apps.modern) as app:
        signed = Overrides(settings(tmp_path).secret_bytes()).sign(Stack.MODERN, 1 << 40)
        answer = await AsgiTarget(app).send(Request("GET", target, {"X-Banyan-Stack": signed}))
    assert answer.header("x-served-by") == served_by


@pytest.mark.parametrize(
    ("rules", "status"), [("", 404), ("\nroutes: [{route: GET /docs, modern: 100}]", 200)]
)
@pytest.mark.parametrize("phase", ["gradual", "full"])
async def test_p016_the_pages_of_modern_stay_closed_unless_the_plan_names_them(
    tmp_path: Path, rules: str, status: int, phase: str
) -> None:
    async with gateway(tmp_path, PLANS["0 %"], apps.legacy, apps.modern):
        pass
    async with gateway(tmp_path, f"phase: {phase}{rules}\n", apps.legacy, apps.modern) as app:
        assert (await AsgiTarget(app).send(Request("GET", "/docs"))).status == status


def by_host() -> Flask:
    app = Flask("hosts", static_folder=None, host_matching=True)
    app.add_url_rule("/h", endpoint="a", view_func=lambda: "legacy", host="a.example")
    app.add_url_rule("/h/<x>", endpoint="b", view_func=lambda sub, x: x, host="<sub>.b.example")
    return app


def of_every_host() -> FastAPI:
    app = FastAPI()
    app.get("/h")(lambda: "modern")
    app.get("/h/{x}")(lambda x: "modern")
    return app


@pytest.mark.parametrize("plan", ["100 %", "full"])
@pytest.mark.parametrize("target", ["/h", "/h/", "/h/x", "/nope"])
@pytest.mark.parametrize(
    "host", ["a.example", "x.b.example", "b.example", "other.test", "a.example:80"]
)
async def test_p018_a_host_that_flask_does_not_know_is_404_to_modern_too(
    tmp_path: Path, host: str, target: str, plan: str
) -> None:
    expected = by_host().test_client().get(target, headers={"Host": host}).status_code
    async with gateway(tmp_path, PLANS["0 %"], by_host, of_every_host):
        pass
    async with gateway(tmp_path, PLANS[plan], by_host, of_every_host) as app:
        answer = await AsgiTarget(app).send(Request("GET", target, {"Host": host}))
    assert answer.status == expected
    if expected == 200:
        assert answer.header("x-served-by") == "modern"
