"""The plan through the admin API: as a whole, rule by rule, and back again."""

from dataclasses import replace
from typing import Any

import anyio
import pytest

from gateway.control.tokens import Role
from gateway.endpoints import Endpoint, Inventory
from tests.control.api import INVENTORY, PLAN, REASON, SECOND, WHY, Api, api, empty

__all__ = ["api", "empty"]

KILL = {"on": True, **REASON}


async def test_the_plan_is_told_with_its_version_as_its_etag(api: Api) -> None:
    answer = await api.ask("GET", "/plan")
    told = answer.json()
    assert answer.header("etag") == '"1"'
    assert (told["version"], told["document"]) == (1, PLAN)
    assert (told["actor"], told["origin"], told["reason"]) == ("cli:bob", "laptop", WHY)
    assert (told["phase"], told["kill_switch"]) == ("gradual", False)
    assert told["plan"]["routes"][0]["route"] == "GET /who"


async def test_b073_of_two_whole_plans_for_one_version_one_wins(api: Api) -> None:
    answers = []

    async def put(document: str) -> None:
        body = {"document": document, **REASON}
        answers.append(await api.ask("PUT", "/plan", body, if_match='"1"'))

    async with anyio.create_task_group() as tasks:
        for split in range(30, 38):
            tasks.start_soon(put, PLAN.replace("25", str(split)))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7
    assert {one.json()["version"] for one in answers} == {2}


async def test_a_whole_plan_replaces_another_to_the_byte(api: Api) -> None:
    text = f"# by hand\r\n{PLAN}"
    told = await api.told("PUT", "/plan", {"document": text, **REASON}, if_match='"1"')
    assert (told["version"], told["changes"]) == (2, [])
    assert (await api.told("GET", "/plan"))["document"] == text
    assert api.store.audit.lines(1)[0].action == "plan.apply"


@pytest.mark.parametrize("headers", [{}, {"if_match": "*"}])
async def test_a_whole_plan_is_not_replaced_without_a_version(
    api: Api, headers: dict[str, str]
) -> None:
    body = {"document": SECOND, **REASON}
    assert await api.refused("PUT", "/plan", body, Role.ADMIN, **headers) == (
        428,
        "if_match_required",
    )


async def test_the_first_plan_is_made_for_version_0(empty: Api) -> None:
    body = {"document": PLAN, **REASON}
    told = await empty.told("PUT", "/plan", body, if_match='"0"')
    assert (told["version"], told["previous"], told["undo"]) == (1, None, None)
    assert told["changes"][0] == {
        "place": "phase",
        "field": "",
        "before": None,
        "after": "gradual",
    }
    again = await empty.ask("PUT", "/plan", body, if_match='"0"')
    assert (again.status, again.json()["version"]) == (412, 1)


@pytest.mark.parametrize(
    ("old", "new", "line", "place", "message"),
    [
        ("modern: 25", "modern: -1", 4, "routes[0].modern", "outside 0 to 100; nearest: 0"),
        ("modern: 25", "modern: 100.0001", 4, "routes[0].modern", "nearest: 100"),
        ("modern: 25", 'modern: "25%"', 4, "routes[0].modern", "write 25"),
        ("modern: 25", "modern: .nan", 4, "routes[0].modern", "no percentage"),
        ("modern: 25", "modern: true", 4, "routes[0].modern", "no percentage"),
        ("25}", "25, modem: 1}", 4, "routes[0].modem", "unknown field; nearest: modern"),
        ("modern: 25", "cohort: a", 4, "routes[0]", "`modern` is missing"),
        ("GET /who", "GET /wh", 4, "routes[0].route", "neither stack serves"),
        ("GET /who", "GET /old", 4, "routes[0].route", "nearest: modern: 0"),
        ("gradual", "grad", 2, "phase", "nearest: gradual"),
        ("  # a canary", "}", 4, "", "expected <block end>"),
    ],
)
async def test_b071_a_wrong_plan_is_refused_with_line_place_and_nearest_right_value(
    api: Api, old: str, new: str, line: int, place: str, message: str
) -> None:
    text = PLAN.replace(old, new)
    answer = await api.ask("PUT", "/plan", {"document": text, **REASON}, if_match='"1"')
    problem = answer.json()
    assert (answer.status, problem["code"]) == (422, "plan_refused")
    assert problem["problems"][0]["line"] == line
    assert place in problem["problems"][0]["place"]
    assert message in problem["problems"][0]["message"]
    assert api.store.versions.newest() == 1
    checked = await api.ask("POST", "/plan/check", {"document": text})
    assert (checked.status, checked.json()["problems"]) == (422, problem["problems"])


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "- " * 3000,
        "a: &a [1]\nb: *a\n",
        'phase: gradual\n"\\ud800": 1\n',
        'phase: gradual\nroutes:\n- {route: "GET /\\ud800", modern: 1}\n',
        'phase: "\\ud800"\n',
        "phase: gradual\n\x00",
        "phase: gradual\n? [a, b]\n: 1\n",
        "phase: gradual\n1: 2\nnull: 3\n",
        "!!python/object/apply:os.system ['true']\n",
        "phase: " + "1" * 5000,
        "\ufeffphase: x",
        "x" * ((1 << 20) + 1),
        "",
        "\ud800",
    ],
    ids=range(15),
)
async def test_b082_a_hostile_document_is_refused_and_nothing_more(api: Api, text: str) -> None:
    body = {"document": text, **REASON}
    for api.inventory in (INVENTORY, Inventory(None, None)):
        status, _ = await api.refused("PUT", "/plan", body, if_match='"1"')
        assert status == 422


async def test_b082_an_answer_about_a_wrong_plan_is_short_whatever_was_wrong(api: Api) -> None:
    text = f"phase: {'x' * 50_000}\n" + "".join(f"k{number}: 1\n" for number in range(500))
    answer = await api.ask("POST", "/plan/check", {"document": text})
    problem = answer.json()
    assert answer.status == 422
    assert len(answer.body) < 30_000
    assert len(problem["problems"]) == 100
    assert problem["detail"].endswith("and 401 more")
    assert problem["problems"][0]["message"].endswith("nearest: parallel")


async def test_check_says_what_a_plan_would_change_and_changes_nothing(api: Api) -> None:
    told = await api.told("POST", "/plan/check", {"document": SECOND})
    assert (told["phase"], told["rules"], told["above_zero"]) == ("gradual", 1, 1)
    assert told["changes"] == [
        {"place": "GET /who", "field": "modern", "before": "25", "after": "50"}
    ]
    assert api.store.versions.newest() == 1


async def test_b082_texts_to_be_looked_at_wait_in_a_short_line(api: Api) -> None:
    statuses: list[int] = []

    async def check() -> None:
        statuses.append((await api.ask("POST", "/plan/check", {"document": PLAN})).status)

    async with anyio.create_task_group() as tasks, api.context.samples:
        for _ in range(20):
            tasks.start_soon(check)
        with anyio.fail_after(10):
            while len(statuses) < 4:
                await anyio.sleep(0.001)
        body = {"method": "GET", "path": "/who"}
        sent = {**body, "document": PLAN}
        assert await api.refused("POST", "/explain", sent) == (503, "too_many_texts")
        assert (await api.told("POST", "/explain", body))["stack"]
        assert (await api.told("PATCH", "/plan/routes", api.shift(30)))["changed"]
    assert sorted(statuses) == [200] * 16 + [503] * 4


async def test_check_needs_no_plan_before(empty: Api) -> None:
    assert (await empty.told("POST", "/plan/check", {"document": PLAN}))["rules"] == 1


async def test_a_rule_is_added_changed_and_taken_away_and_the_rest_stays(api: Api) -> None:
    body = {"route": "POST /echo", "modern": 0.005, "cohort": "orders", **REASON}
    await api.told("PATCH", "/plan/routes", body)
    await api.told("PATCH", "/plan/routes", {"route": "POST /echo", "cohort": None, **REASON})
    text = (await api.told("GET", "/plan"))["document"]
    assert text == f"{PLAN}  - route: POST /echo\n    modern: 0.005\n"
    told = await api.told("DELETE", "/plan/routes?route=POST%20/echo&reason=done")
    assert told["changes"][0]["after"] is None
    line = api.store.audit.lines(1)[0]
    assert (line.action, line.subject, line.reason) == ("plan.remove", "POST /echo", "done")
    assert (await api.told("GET", "/plan"))["document"] == PLAN


async def test_a_rule_that_is_not_there_cannot_be_taken_away(api: Api) -> None:
    answer = await api.ask("DELETE", "/plan/routes?route=GET%20/whom&reason=x")
    problem = answer.json()
    assert (answer.status, problem["code"]) == (404, "no_such_rule")
    assert problem["detail"] == "no rule names GET /whom; nearest: GET /who"


@pytest.mark.parametrize(
    "body",
    [
        {"route": "GET /who", "modern": "25"},
        {"route": "GET /who", "modern": 100.0001},
        {"route": "GET /who", "modern": float("nan")},
        {"route": "GET /who", "modern": float("inf")},
        {"route": "GET /who", "modern": 10**400},
        {"route": "GET /who", "modern": True},
        {"route": "GET /who", "modem": 5},
        {"route": "GET who", "modern": 5},
        {"route": "HEAD /who", "modern": 5},
        {"route": "GET /who\n\x1b[2J", "modern": 5},
        {"route": "GET /\ud800", "modern": 5},
        {"route": f"GET /{'x' * 1000}", "modern": 5},
        {"route": "GET /who", "cohort": "a\x00b"},
        {"route": "GET /who", "cohort": ""},
        {"route": "GET /who", "failover": "never ever"},
        {"modern": 5},
        {"route": "GET /who", "modern": 5, "\ud800": 1},
        [],
        "x",
    ],
    ids=range(19),
)
async def test_b071_a_wrong_value_of_a_rule_is_refused(api: Api, body: Any) -> None:
    api.inventory = Inventory(None, None)  # or it would be enough that no stack serves the route
    sent = {**body, **REASON} if isinstance(body, dict) else body
    assert await api.refused("PATCH", "/plan/routes", sent) == (422, "invalid_request")


async def test_b071_a_rule_that_would_contradict_the_apps_is_refused_without_lines(
    api: Api,
) -> None:
    answer = await api.ask("PATCH", "/plan/routes", {"route": "GET /old", "modern": 5, **REASON})
    assert answer.status == 422
    assert answer.json()["problems"] == [
        {"line": 0, "place": "", "message": "modern does not serve GET /old; nearest: modern: 0"}
    ]


async def test_a_rule_without_its_share_is_refused(api: Api) -> None:
    for body in ({"route": "POST /echo"}, {"route": "GET /who", "modern": None}):
        assert await api.refused("PATCH", "/plan/routes", {**body, **REASON}) == (
            422,
            "plan_refused",
        )


async def test_kill_and_resume_leave_the_text_as_it_was_but_for_the_switch(api: Api) -> None:
    killed = await api.told("PUT", "/plan/kill-switch", KILL)
    assert killed["changes"][0]["after"] == "true"
    assert (await api.told("GET", "/plan"))["kill_switch"] is True
    await api.told("PUT", "/plan/kill-switch", {"on": False, "reason": "mended"})
    told = await api.told("GET", "/plan")
    assert (told["kill_switch"], told["version"]) == (False, 3)
    assert told["document"] == PLAN.replace("gradual\n", "gradual\nkill_switch: false\n")
    assert [line.action for line in api.store.audit.lines(2)] == ["plan.resume", "plan.kill"]


@pytest.mark.parametrize("on", ["yes", "false", 1, 0, None, "on", [], 1.0])
async def test_b071_a_kill_switch_is_true_or_false(api: Api, on: object) -> None:
    body = {"on": on, **REASON}
    assert await api.refused("PUT", "/plan/kill-switch", body) == (422, "invalid_request")


async def test_a_phase_changes_and_comments_stay(api: Api) -> None:
    await api.told("PUT", "/plan/phase", {"phase": "parallel", **REASON})
    assert (await api.told("GET", "/plan"))["document"] == PLAN.replace("gradual", "parallel")
    body = {"phase": "sideways", **REASON}
    assert await api.refused("PUT", "/plan/phase", body) == (422, "invalid_request")


async def test_a_phase_that_the_apps_cannot_serve_is_refused(api: Api) -> None:
    api.inventory = replace(INVENTORY, modern=())
    assert await api.refused("PUT", "/plan/phase", {"phase": "full", **REASON}) == (
        422,
        "plan_refused",
    )


async def test_one_step_undoes_the_last_change(api: Api) -> None:
    api.apply(SECOND)
    told = await api.told("POST", "/plan/rollback", REASON)
    assert (told["version"], told["changes"][0]["after"]) == (3, "25")
    assert api.store.audit.lines(1)[0].subject == "version 1"
    again = await api.told("POST", "/plan/rollback", REASON)
    assert (again["version"], again["changes"][0]["after"]) == (4, "50")


async def test_a_version_is_gone_back_to_by_its_number(api: Api) -> None:
    for text in (SECOND, PLAN.replace("25", "75")):
        api.apply(text)
    told = await api.told("POST", "/plan/rollback", {"version": 1, **REASON})
    assert (told["version"], told["previous"]) == (4, 3)
    assert (await api.told("GET", "/plan"))["document"] == PLAN


async def test_there_is_nothing_before_the_first_version(api: Api) -> None:
    assert await api.refused("POST", "/plan/rollback", REASON) == (409, "nothing_to_roll_back")


@pytest.mark.parametrize(
    ("version", "status"),
    [(2, 404), (1 << 31, 404), (0, 422), (-1, 422), (10**30, 422), (True, 422), ("1", 422)],
)
async def test_b082_no_other_version_is_gone_back_to(
    api: Api, version: object, status: int
) -> None:
    body = {"version": version, **REASON}
    code = "no_such_version" if status == 404 else "invalid_request"
    assert await api.refused("POST", "/plan/rollback", body) == (status, code)


async def test_a_version_that_does_not_compile_any_more_is_refused_and_nothing_changes(
    api: Api,
) -> None:
    api.apply("phase: gradual\n")
    api.inventory = Inventory((Endpoint("GET", "/other"),), (Endpoint("GET", "/other"),))
    for body in (REASON, {"version": 1, **REASON}):
        assert await api.refused("POST", "/plan/rollback", body) == (422, "plan_refused")


async def test_b073_one_step_back_never_undoes_what_came_meanwhile(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.apply(SECOND)
    change = api.context.desk.change

    def late(*arguments: Any) -> Any:
        api.apply(PLAN.replace("25", "75"))
        return change(*arguments)

    monkeypatch.setattr(type(api.context.desk), "change", lambda _, *rest: late(*rest))
    answer = await api.ask("POST", "/plan/rollback", REASON)
    problem = answer.json()
    assert (answer.status, problem["code"], problem["version"]) == (409, "version_conflict", 3)
    assert "modern: 75" in api.store.versions.get(3).document
