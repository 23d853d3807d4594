"""Acknowledgements over the admin API: a route may rise again, and its evidence begins anew."""

from typing import Any

import pytest

from gateway.control.tokens import Role
from tests.control import api as apis
from tests.control.api import REASON, WHY, Api
from tests.control.judging import (
    ITEM,
    LATCH,
    SERVED,
    WHO,
    acknowledged,
    counted,
    rolled_back,
    seen,
    sentence,
)

api = apis.api
ECHO = "POST /echo"
ASKED = "/evidence?route=GET%20/who"


async def test_a_latch_is_shown_until_it_is_acknowledged(api: Api) -> None:
    rolled_back(api)
    latch = (await api.told("GET", ASKED))["latch"]
    assert (latch["actor"], latch["reason"]) == ("guard", LATCH)
    assert (await acknowledged(api))["latch"] is None
    assert (await api.told("GET", ASKED))["latch"] is None


async def test_an_acknowledgement_has_its_line_in_the_audit(api: Api) -> None:
    rolled_back(api)
    await acknowledged(api)
    line = api.store.audit.lines(1)[0]
    assert (line.actor, line.origin, line.action) == ("api:ann", "127.0.0.1", "guard.ack")
    assert (line.subject, line.reason, line.version) == (WHO, WHY, None)


async def test_after_an_acknowledgement_the_evidence_begins_anew(api: Api) -> None:
    counted(api, "legacy", 3000)
    counted(api, "modern", 1000, 20)
    seen(api, "modern")
    rolled_back(api)
    found = await acknowledged(api)
    assert (found["modern"]["requests"], found["verdict"]) == (0, "undecided")
    assert [one["news"] for one in found["sightings"]] == [False]
    assert found["since"] == 2


async def test_after_an_acknowledgement_the_route_may_rise(api: Api) -> None:
    rolled_back(api, 0)
    assert (await sentence(api, "PATCH", "/plan/routes", api.shift(5)))[:2] == (
        422,
        "plan_refused",
    )
    await acknowledged(api)
    assert (await api.told("PATCH", "/plan/routes", api.shift(5)))["version"] == 3


async def test_there_is_nothing_to_acknowledge_twice(api: Api) -> None:
    rolled_back(api)
    await acknowledged(api)
    status, code, detail = await sentence(api, "POST", "/evidence/ack", {"route": WHO, **REASON})
    assert (status, code) == (409, "not_latched")
    assert detail.startswith("GET /who is not latched, and ")


async def test_what_is_new_can_be_acknowledged_without_a_rollback(api: Api) -> None:
    seen(api, "modern")
    found = await acknowledged(api)
    assert ([one["news"] for one in found["sightings"]], found["holds"]) == ([False], [])


async def test_an_acknowledgement_finds_the_route_however_it_is_spelled(api: Api) -> None:
    api.inventory = SERVED
    seen(api, "modern", route=ITEM)
    assert (await acknowledged(api, "GET /items/{another}"))["route"] == ITEM
    assert api.store.audit.lines(1)[0].subject == ITEM


async def test_an_acknowledgement_of_one_route_leaves_the_others(api: Api) -> None:
    counted(api, "modern", 10, 1)
    seen(api, "modern", route=ECHO)
    await acknowledged(api, ECHO)
    assert (await api.told("GET", ASKED))["modern"]["requests"] == 10


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": ""},
        {"reason": "a\nb"},
        {"route": 7},
        {"route": "who"},
        {"rout": WHO},
        {"reason": None},
    ],
)
async def test_b082_an_acknowledgement_with_wrong_values_is_refused(
    api: Api, changed: dict[str, Any]
) -> None:
    rolled_back(api)
    body = {"route": WHO, **REASON, **changed}
    assert (await sentence(api, "POST", "/evidence/ack", body))[:2] == (422, "invalid_request")
    assert api.store.standings.all()[WHO].latched


async def test_b080_a_viewer_reads_and_does_not_acknowledge(api: Api) -> None:
    rolled_back(api)
    assert (await api.ask("GET", ASKED, role=Role.VIEWER)).status == 200
    body = {"route": WHO, **REASON}
    assert await api.refused("POST", "/evidence/ack", body, Role.VIEWER) == (403, "role_required")
    assert api.store.standings.all()[WHO].latched
