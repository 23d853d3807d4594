"""What the admin API tells about traffic is what a running gateway does."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from gateway.app import Gateway
from gateway.store.opening import open_store
from gateway.words import Stack
from tests.control.api import PLAN, Api, api, empty
from tests.drive import AsgiTarget, Request
from tests.stacks import gateway, settings
from tests.store.acts import beat

__all__ = ["api", "empty"]

LIVE = "phase: gradual\nroutes:\n  - {route: GET /who, modern: 25}\n  - {route: POST /echo, modern: 60}\n"
CLIENTS = [f"client-{number}" for number in range(100)]

SECRET = "gives these clients buckets on both sides"


@asynccontextmanager
async def running(folder: Path, plan: str = LIVE) -> AsyncIterator[tuple[Gateway, Api]]:
    """A gateway, and an admin API that knows of it by the store alone."""
    async with gateway(folder, plan, secret=SECRET) as app:
        await app._heartbeat.beat()
        chosen = settings(folder, secret=SECRET)
        store = open_store(chosen.store_url)
        try:
            yield app, Api(chosen, store, None)
        finally:
            store.close()


async def answered(app: Gateway, client: str, method: str = "GET", path: str = "/who") -> str:
    """The stack that answers a client."""
    request = Request(method, path, {"x-api-key": client}, b"{}" if method == "POST" else b"")
    answer = await AsgiTarget(app).send(request)
    return answer.header("x-served-by") or ""


async def explained(api: Api, client: str, method: str = "GET", path: str = "/who") -> Any:
    body = {"method": method, "path": path, "headers": [["X-API-Key", client]]}
    return await api.told("POST", "/explain", body)


async def test_explain_says_what_the_gateway_does_with_200_random_clients(tmp_path: Path) -> None:
    choose = random.Random(17)
    stacks = set()
    async with running(tmp_path) as (app, api):
        for _ in range(200):
            client = f"{choose.getrandbits(64):x}"
            method, path = choose.choice(
                [("GET", "/who?a=b"), ("POST", "/echo"), ("GET", "/old"), ("GET", "/%77ho")]
            )
            told = await explained(api, client, method, path)
            assert told["stack"] == await answered(app, client, method, path)
            assert (told["plan_version"], told["unit"]) == (1, f"x-api-key={client}")
            stacks.add((told["route"], told["stack"]))
    assert len(stacks) == 5


async def test_explain_of_a_plan_that_is_sent_says_what_it_would_do(api: Api) -> None:
    body = {"method": "GET", "path": "/who", "document": PLAN.replace("25", "100")}
    told = await api.told("POST", "/explain", body)
    assert (told["stack"], told["reason"], told["plan_version"]) == ("modern", "split", 0)
    body["document"] = "phase: x"
    assert await api.refused("POST", "/explain", body) == (422, "plan_refused")


async def test_explain_needs_a_plan(empty: Api) -> None:
    body = {"method": "GET", "path": "/who"}
    assert await empty.refused("POST", "/explain", body) == (409, "no_plan")


async def test_explain_of_a_path_that_nobody_serves_says_so(api: Api) -> None:
    told = await api.told("POST", "/explain", {"method": "GET", "path": "/nowhere"})
    assert (told["route"], told["stack"]) == (None, "legacy")


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "GET /"},
        {"method": ""},
        {"path": "x" * 8193},
        {"headers": [["a"]]},
        {"headers": [["a", "b"]] * 101},
        {"headers": {"a": "b"}},
        {"client": "x" * 65},
        {"reason": "x"},
        {"path": "\ud800"},
    ],
    ids=range(9),
)
async def test_b082_a_question_with_wrong_values_is_refused(
    api: Api, changed: dict[str, Any]
) -> None:
    body = {"method": "GET", "path": "/who", **changed}
    assert await api.refused("POST", "/explain", body) == (422, "invalid_request")


@pytest.mark.parametrize(
    "headers",
    [
        [["Authorization", "\u20ac\r\nX: 1"]],
        [["", ""]],
        [["cookie", "\x00;=;"]],
        [["x-api-key", ""]],
    ],
)
async def test_b082_a_question_may_hold_any_header(api: Api, headers: list[list[str]]) -> None:
    body = {"method": "GET", "path": "/who%ff%00/../\x00", "headers": headers, "client": "\x00"}
    assert (await api.told("POST", "/explain", body))["stack"] == "legacy"


async def test_what_if_counts_the_clients_that_really_move(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, api):
        before = {client: await answered(app, client) for client in CLIENTS}
        buckets = [(await explained(api, client))["bucket"] for client in CLIENTS]
        app._heartbeat._count = -1  # the next beat tells who was seen
        await app._heartbeat.beat()
        raised = sum(25_000 <= bucket < 40_000 for bucket in buckets)
        lowered = sum(10_000 <= bucket < 25_000 for bucket in buckets)
        assert raised > 5
        assert lowered > 5
        for split, to_modern, to_legacy in ((40, raised, 0), (10, 0, lowered), (25, None, None)):
            told = await api.told("GET", f"/whatif?route=GET%20/who&modern={split}")
            assert told["exact"] is True
            if to_modern is None:
                assert told["routes"] == []
                continue
            (row,) = told["routes"]
            assert (row["clients"], row["before"], row["after"]) == (len(CLIENTS), 25, split)
            assert (row["to_modern"], row["to_legacy"]) == (to_modern, to_legacy)
            assert told["moved"] == (to_modern or to_legacy)
        shifted = await api.told("PATCH", "/plan/routes", api.shift(40))
        assert shifted["moved"]["moved"] == raised
        await app.watch.look()
        after = {client: await answered(app, client) for client in CLIENTS}
        moved = [client for client in CLIENTS if before[client] != after[client]]
        assert {after[client] for client in moved} == {Stack.MODERN}
        assert len(moved) == raised


@pytest.mark.parametrize(
    "modern", ["-1", "101", "25%", "25%25", "NaN", "1e1", "", "true", "0.0001"]
)
async def test_b071_what_if_takes_a_percentage(api: Api, modern: str) -> None:
    path = f"/whatif?route=GET%20/who&modern={modern}"
    assert await api.refused("GET", path) == (422, "invalid_request")


@pytest.mark.parametrize("modern", ["0", "25", "25.0", "0.001", "100"])
async def test_what_if_takes_a_number_in_steps_of_a_thousandth(api: Api, modern: str) -> None:
    told = await api.told("GET", f"/whatif?route=GET%20/who&modern={modern}")
    assert [row["after"] for row in told["routes"]] == [float(modern)] * (float(modern) != 25)
    assert api.store.versions.newest() == 1


@pytest.mark.parametrize("route", ["GET%20/wh", "GET%20/old", "POST%20/new"])
async def test_what_if_of_a_route_that_cannot_be_split_is_refused(api: Api, route: str) -> None:
    assert await api.refused("GET", f"/whatif?route={route}&modern=5") == (422, "plan_refused")


async def test_what_if_needs_a_plan_and_a_file_will_do(empty: Api) -> None:
    path = "/whatif?route=GET%20/who&modern=30"
    assert await empty.refused("GET", path) == (409, "no_plan")
    empty.settings.plan.write_text(PLAN)
    assert (await empty.told("GET", path))["routes"][0]["before"] == 25


async def test_workers_on_two_versions_and_a_dead_one_are_told_apart(api: Api) -> None:
    api.apply("phase: gradual\n")
    workers = api.store.workers
    workers.beat(beat("a", version=2), first=True)
    workers.beat(beat("b", version=1, secret="other", problems='["version 2: no"]'), first=True)
    workers.beat(replace(beat("c", version=2), ended=True), first=True)
    workers.beat(beat("d", host="h0", version=2), first=True)
    with api.store.database.writing() as connection:
        connection.execute(sa.text("UPDATE workers SET seen = seen - 11 WHERE id = 'd'"))
    told = await api.told("GET", "/workers")
    assert (told["version"], told["alive"], told["current"], told["secrets"]) == (2, 2, 1, 2)
    assert told["leader"] is False
    found = {one["id"]: (one["alive"], one["version"], one["problems"]) for one in told["items"]}
    assert found == {
        "a": (True, 2, []),
        "b": (True, 1, ["version 2: no"]),
        "c": (False, 2, []),
        "d": (False, 2, []),
    }
    assert [one["alive"] for one in told["items"]] == [True, True, False, False]
    assert max(told["items"], key=lambda one: one["age"])["id"] == "d"


async def test_a_worker_whose_words_cannot_be_read_hides_no_other(api: Api) -> None:
    recent = '{"GET /who": {"buckets": [30000], "limit": 100000}}'
    api.store.workers.beat(beat("a", recent=recent), first=True)
    api.store.workers.beat(beat("b", recent='{"x": 7}', traffic='{"x": 7}'), first=True)
    assert (await api.told("GET", "/routes"))["workers"] == 2
    told = await api.told("PATCH", "/plan/routes", api.shift(50))
    assert (told["changed"], told["moved"]["moved"]) == (True, 1)


async def test_routes_stand_side_by_side_with_what_each_stack_did(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, api):
        stacks = [await answered(app, client) for client in CLIENTS[:20]]
        app.publish()
        await app._heartbeat.beat()
        told = await api.told("GET", "/routes")
    assert told["plan"] | {"file": ""} == {
        "version": 1,
        "running": 1,
        "actor": "file",
        "reason": "the first plan, 2 rules",
        "phase": "gradual",
        "kill_switch": False,
        "file": "",
        "refused": [],
    }
    rows = {row["route"]: row for row in told["routes"]}
    who = rows["GET /who"]
    assert (who["served"], who["split"]) == ("both", 25)
    for stack in Stack:
        assert who[stack]["requests"] == stacks.count(stack) == who[stack]["total"]
    assert who["legacy"]["requests"] > who["modern"]["requests"] > 0
    assert (rows["GET /old"]["served"], rows["GET /old"]["split"]) == ("legacy only", None)


async def test_a_plan_file_that_cannot_be_read_is_told_where_there_is_nothing_else(
    empty: Api,
) -> None:
    empty.settings.plan.write_bytes(b"phase: \xff\n")
    told = await empty.told("GET", "/routes")
    assert told["plan"]["version"] == 0
    assert told["plan"]["refused"] == ["byte 7 is not UTF-8: a plan is a text file"]


async def test_a_route_may_be_asked_for_as_it_is_spelled(api: Api) -> None:
    for route in ("GET /who", "POST /echo", "* /echo"):
        answer = await api.ask("GET", f"/whatif?route={quote(route)}&modern=5")
        assert answer.status == 200, (route, answer)
