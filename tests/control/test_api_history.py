"""Versions and audit: every page of what only grows, and what differs between two versions."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from gateway.store.audit import Act
from tests.control.api import PLAN, SECOND, WHY, Api, api, empty

__all__ = ["api", "empty"]

LISTS = pytest.mark.parametrize(("path", "key"), [("/versions", "version"), ("/audit", "id")])


def grown(api: Api, count: int) -> None:
    """`count` versions more, and as many audit lines."""
    for number in range(count):
        api.apply(PLAN.replace("25", str(number)))


async def pages(
    api: Api, path: str, key: str, limit: int, between: Callable[[], object] = lambda: None
) -> list[list[int]]:
    found, cursor = [], ""
    while True:
        page = await api.told("GET", f"{path}?limit={limit}{cursor}")
        found.append([item[key] for item in page["items"]])
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"
        between()


@LISTS
@pytest.mark.parametrize(
    ("limit", "lengths"), [(1, [1] * 7), (3, [3, 3, 1]), (6, [6, 1]), (7, [7]), (500, [7])]
)
async def test_pages_hold_every_item_once_the_newest_first(
    api: Api, path: str, key: str, limit: int, lengths: list[int]
) -> None:
    grown(api, 6)
    found = await pages(api, path, key, limit)
    assert [len(page) for page in found] == lengths
    assert [item for page in found for item in page] == list(range(7, 0, -1))


@LISTS
async def test_new_items_shift_no_page(api: Api, path: str, key: str) -> None:
    grown(api, 6)
    found = await pages(api, path, key, 2, lambda: grown(api, 1))
    assert found == [[7, 6], [5, 4], [3, 2], [1]]


@LISTS
async def test_without_a_limit_a_page_has_fifty(api: Api, path: str, key: str) -> None:
    grown(api, 50)
    page = await api.told("GET", path)
    assert (len(page["items"]), page["next"]) == (50, "b2")


@LISTS
async def test_of_nothing_there_is_one_empty_page(empty: Api, path: str, key: str) -> None:
    assert await empty.told("GET", path) == {"items": [], "next": None}


@LISTS
@pytest.mark.parametrize(
    "cursor",
    ["", "1", "b", "b-1", "b1%20", "b1%0a", "B1", "b1.5", "b%D9%A1", "b1'--", "b" + "9" * 16],
)
async def test_b082_a_cursor_that_is_none_of_ours_is_refused(
    api: Api, path: str, key: str, cursor: str
) -> None:
    assert await api.refused("GET", f"{path}?cursor={cursor}") == (400, "bad_cursor")


@LISTS
@pytest.mark.parametrize("cursor", ["b0", "b000", "b999999999999999"])
async def test_b082_a_made_up_cursor_shows_nothing_that_no_other_does(
    api: Api, path: str, key: str, cursor: str
) -> None:
    page = await api.told("GET", f"{path}?cursor={cursor}")
    assert len(page["items"]) == (0 if cursor.startswith("b0") else 1)


@LISTS
@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "1e2", "", "99999999999999999999"])
async def test_b082_a_page_has_one_to_five_hundred_items(
    api: Api, path: str, key: str, limit: str
) -> None:
    assert await api.refused("GET", f"{path}?limit={limit}") == (422, "invalid_request")


async def test_b082_a_cursor_is_short(api: Api) -> None:
    assert await api.refused("GET", f"/audit?cursor={'b' * 33}") == (422, "invalid_request")


async def test_a_list_of_versions_has_no_texts_and_one_version_has_its_own(api: Api) -> None:
    api.apply(SECOND)
    first = (await api.told("GET", "/versions"))["items"][1]
    assert first.keys() == {"version", "at", "actor", "origin", "reason"}
    assert await api.told("GET", "/versions/1") == {**first, "document": PLAN}


@pytest.mark.parametrize("path", ["/versions/2", "/versions/2/diff", "/versions/1/diff?before=2"])
async def test_a_version_that_is_not_there_is_not_found(api: Api, path: str) -> None:
    answer = await api.ask("GET", path)
    problem = answer.json()
    assert (answer.status, problem["code"]) == (404, "no_such_version")
    assert problem["detail"] == "there is no version 2; the newest is 1"


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.5", "99999999999999999999", "%00"])
async def test_b082_what_is_no_number_of_a_version_is_refused(api: Api, version: str) -> None:
    for path in (f"/versions/{version}", f"/versions/1/diff?before={version}"):
        assert await api.refused("GET", path) == (422, "invalid_request")


async def test_the_first_version_differs_from_nothing_by_all_of_it(api: Api) -> None:
    diff = await api.told("GET", "/versions/1/diff")
    assert (diff["before"], diff["after"]) == (None, 1)
    assert {(one["place"], one["after"]) for one in diff["changes"]} == {
        ("phase", "gradual"),
        ("GET /who", "25"),
    }
    assert diff["text"].startswith("--- nothing\n+++ version 1\n")
    assert diff["text"].count("\n+") == PLAN.count("\n") + 1


async def test_a_version_differs_from_the_one_before_it_and_from_any_other(api: Api) -> None:
    api.apply(SECOND)
    api.apply(SECOND.replace("gradual", "parallel"))
    diff = await api.told("GET", "/versions/3/diff")
    assert (diff["before"], len(diff["changes"])) == (2, 1)
    diff = await api.told("GET", "/versions/3/diff?before=1")
    assert (diff["before"], [one["after"] for one in diff["changes"]]) == (1, ["parallel", "50"])
    assert "-phase: gradual\n+phase: parallel\n" in diff["text"]
    back = await api.told("GET", "/versions/1/diff?before=3")
    assert [one["after"] for one in back["changes"]] == ["gradual", "25"]


async def test_equal_texts_do_not_differ(api: Api) -> None:
    api.apply(SECOND)
    api.apply(PLAN)
    for path in ("/versions/3/diff?before=1", "/versions/2/diff?before=2"):
        diff = await api.told("GET", path)
        assert (diff["changes"], diff["text"]) == ([], "")


async def test_a_comment_differs_in_text_only(api: Api) -> None:
    api.apply(PLAN.removesuffix("\n") + " # no line end")
    diff = await api.told("GET", "/versions/2/diff")
    assert diff["changes"] == []
    assert diff["text"].endswith("# no line end\n")


async def test_a_version_that_other_code_has_written_still_has_a_text_to_compare(api: Api) -> None:
    api.apply("phase: sideways\nshadows: 7\n")
    diff = await api.told("GET", "/versions/2/diff")
    assert diff["changes"] == []
    assert "+shadows: 7\n" in diff["text"]
    told = await api.told("GET", "/plan")
    assert (told["plan"], told["document"]) == ({}, "phase: sideways\nshadows: 7\n")


async def test_an_audit_line_says_who_what_where_why_and_which_version(api: Api) -> None:
    await api.told("PATCH", "/plan/routes", api.shift(30))
    line = (await api.told("GET", "/audit?limit=1"))["items"][0]
    assert line.pop("at") == pytest.approx(api.store.versions.get(2).at)
    assert line == {
        "id": 2,
        "actor": "api:ann",
        "origin": "127.0.0.1",
        "action": "plan.shift",
        "subject": "GET /who",
        "reason": WHY,
        "version": 2,
    }


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\x1b[2J\r\nSet-Cookie: a=b", "\x00"]
)
async def test_b082_what_the_store_holds_is_told_as_json_and_nowhere_else(
    api: Api, text: str
) -> None:
    api.store.audit.record(Act(text, text, text, text, text))
    answer = await api.ask("GET", "/audit?limit=1")
    assert answer.header("content-type") == "application/json"
    assert not re.search(rb"[\x00-\x1f]", answer.body)
    line: dict[str, Any] = json.loads(answer.body)["items"][0]
    assert line["actor"] == line["subject"] == text
    assert not any(text in value or "set-cookie" in name for name, value in answer.headers)
