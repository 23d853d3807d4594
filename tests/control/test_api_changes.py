"""What all changes have in common: versions, reasons, preconditions, and that none is lost."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from gateway.endpoints import Inventory
from gateway.store.errors import StoreUnavailable
from tests.control.api import PLAN, REASON, SECOND, WHY, Api, api, empty

__all__ = ["api", "empty"]

CHANGES: list[tuple[str, str, dict[str, Any], str, str]] = [  # …, action, subject
    ("PATCH", "/plan/routes", {"route": "GET /who", "modern": 40}, "plan.shift", "GET /who"),
    ("PUT", "/plan/phase", {"phase": "parallel"}, "plan.phase", "parallel"),
    ("PUT", "/plan/kill-switch", {"on": True}, "plan.kill", ""),
    ("POST", "/plan/rollback", {"version": 1}, "plan.rollback", "version 1"),
]
LINES = ("a\r\nX-Evil: 1", "a\nb", "\x1b[2J", "a\x00", "a\x85b", "\ud800")
EACH = pytest.mark.parametrize(("method", "path", "body", "action", "subject"), CHANGES)


async def test_without_a_plan_there_is_nothing_to_read_or_to_change(empty: Api) -> None:
    assert await empty.refused("GET", "/plan") == (409, "no_plan")
    for method, path, body, *_ in CHANGES[:3]:
        assert await empty.refused(method, path, {**body, **REASON}) == (409, "no_plan")
    body = {"document": PLAN, **REASON}
    assert await empty.refused("PUT", "/plan", body, if_match='"7"') == (409, "no_plan")
    assert await empty.refused("POST", "/plan/rollback", REASON) == (409, "nothing_to_roll_back")


@EACH
async def test_a_change_makes_a_version_and_its_audit_line(
    api: Api, method: str, path: str, body: dict[str, Any], action: str, subject: str
) -> None:
    api.apply(SECOND)
    answer = await api.ask(method, path, {**body, **REASON})
    told = answer.json()
    assert (told["changed"], told["previous"], told["version"]) == (True, 2, 3)
    assert (told["actor"], told["reason"]) == ("api:ann", WHY)
    assert told["undo"] == "banyan rollback 2 --reason '…'"
    assert told["changes"]
    assert answer.header("etag") == '"3"'
    line = api.store.audit.lines(1)[0]
    assert (line.actor, line.origin, line.action) == ("api:ann", "127.0.0.1", action)
    assert (line.subject, line.reason, line.version) == (subject, WHY, 3)
    made = api.store.versions.get(3)
    assert (made.actor, made.origin, made.reason) == ("api:ann", "127.0.0.1", WHY)


@EACH
async def test_a_change_that_changes_nothing_makes_no_version(
    api: Api, method: str, path: str, body: dict[str, Any], action: str, subject: str
) -> None:
    await api.told(method, path, {**body, **REASON})
    newest, lines = api.store.versions.newest(), len(api.store.audit.lines(99))
    again = await api.told(method, path, {**body, **REASON})
    assert (again["changed"], again["version"], again["undo"]) == (False, newest, None)
    assert again["changes"] == []
    assert (api.store.versions.newest(), len(api.store.audit.lines(99))) == (newest, lines)


@EACH
async def test_b073_a_stale_precondition_is_refused_with_the_version_in_force(
    api: Api, method: str, path: str, body: dict[str, Any], action: str, subject: str
) -> None:
    api.apply(SECOND)
    answer = await api.ask(method, path, {**body, **REASON}, if_match='"1"')
    problem = answer.json()
    assert (answer.status, problem["code"], problem["version"]) == (412, "version_conflict", 2)
    assert api.store.versions.newest() == 2
    answer = await api.ask(method, path, {**body, **REASON}, if_match=' "2" ')
    assert answer.status == 200, answer


@EACH
async def test_b082_a_reason_is_required_and_one_line(
    api: Api, method: str, path: str, body: dict[str, Any], action: str, subject: str
) -> None:
    assert await api.refused(method, path, body) == (422, "invalid_request")
    for reason in ("", "   ", "x" * 501, *LINES, None, 7):
        sent = {**body, "reason": reason}
        assert await api.refused(method, path, sent) == (422, "invalid_request"), reason


async def test_b082_a_reason_in_a_query_likewise(api: Api) -> None:
    for reason in ("", "%20", "a%0d%0aX:%201", "a%1b[2J", "%00", "x" * 501):
        path = f"/plan/routes?route=GET%20/who&reason={reason}"
        assert await api.refused("DELETE", path) == (422, "invalid_request"), reason


async def test_a_reason_keeps_every_letter_but_the_blanks_around_it(api: Api) -> None:
    reason = "  Zürich sagt: <b>„läuft“</b> 🚀 {0} %s $(id) ';--  "
    await api.told("PATCH", "/plan/routes", {**api.shift(30), "reason": reason})
    assert (await api.told("GET", "/versions"))["items"][0]["reason"] == reason.strip()
    assert (await api.told("GET", "/audit"))["items"][0]["reason"] == reason.strip()


@pytest.mark.parametrize("etag", ['"*"', "1", 'W/"1"', '"1", "2"', '"-1"', '"x"', '"1', '""', '"'])
async def test_a_precondition_that_is_no_etag_of_ours_is_refused(api: Api, etag: str) -> None:
    assert await api.refused("PATCH", "/plan/routes", api.shift(30), if_match=etag) == (
        400,
        "bad_if_match",
    )


async def test_a_precondition_longer_than_any_etag_is_refused(api: Api) -> None:
    answer = await api.refused("PATCH", "/plan/routes", api.shift(30), if_match=f'"{"1" * 99}"')
    assert answer == (422, "invalid_request")


@pytest.mark.parametrize("headers", [{}, {"if_match": "*"}])
async def test_a_change_without_a_version_is_made_to_the_newest(
    api: Api, headers: dict[str, str]
) -> None:
    api.apply(SECOND)
    told = await api.told("PATCH", "/plan/routes", api.shift(30), **headers)
    assert (told["previous"], told["version"]) == (2, 3)


async def test_b073_of_twenty_changes_at_once_none_is_lost(api: Api) -> None:
    api.inventory = Inventory(None, None)
    answers = []

    async def change(number: int) -> None:
        body = {"route": f"GET /r{number}", "modern": number, "reason": f"number {number}"}
        answers.append(await api.told("PATCH", "/plan/routes", body))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(change, number)
    assert sorted(one["version"] for one in answers) == list(range(2, 22))
    plan = (await api.told("GET", "/plan"))["plan"]
    splits = {rule["route"]: float(rule["modern"]) for rule in plan["routes"]}
    assert splits == {"GET /who": 25} | {f"GET /r{number}": number for number in range(20)}
    reasons = {line["reason"] for line in (await api.told("GET", "/audit"))["items"]}
    assert reasons == {WHY} | {f"number {number}" for number in range(20)}


async def test_a_change_that_was_made_is_told_as_made_even_if_nobody_can_tell_who_moves(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise StoreUnavailable("store: gone")

    monkeypatch.setattr(type(api.store.workers), "all", lambda _: away())
    told = await api.told("PATCH", "/plan/routes", api.shift(30))
    assert (told["changed"], told["version"]) == (True, 2)
    assert told["moved"] == {"routes": [], "clients": 0, "moved": 0, "exact": False}


async def test_a_store_that_is_away_is_503_and_nothing_is_changed(api: Api, tmp_path: Path) -> None:
    api.store.close()
    path = Path(api.settings.var / "banyan.db")
    path.rename(tmp_path / "moved.db")
    path.mkdir()
    for method, at, body, *_ in CHANGES:
        answer = await api.ask(method, at, {**body, **REASON})
        assert (answer.status, answer.json()["code"]) == (503, "store_unavailable")
    path.rmdir()
    (tmp_path / "moved.db").rename(path)
    assert (await api.told("GET", "/plan"))["version"] == 1
