"""Two operators at once, and what remains of what they did."""

from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from gateway.endpoints import Endpoint, Inventory
from gateway.plan.desk import PlanDesk
from gateway.plan.document import PlanRefused
from gateway.plan.edit import with_kill_switch, with_rule
from gateway.store.audit import Act
from gateway.store.opening import open_store
from tests.controlling import ask, told
from tests.drive import AsgiTarget, Request
from tests.stacks import PLAN, gateway, settings

WHO = "GET /who"
OLD = (Endpoint("GET", "/old"),)


async def test_b127_a_rollback_and_a_shift_for_one_version_have_one_winner_and_the_other_is_told(
    tmp_path: Path,
) -> None:
    chosen = settings(tmp_path)
    answers = []

    async def operator(method: str, path: str, body: object) -> None:
        answers.append(await ask(chosen, f"/api/v1{path}", method, body, version=2))

    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=10)):
        shifted = {"route": WHO, "modern": 50, "reason": "more"}
        assert (await ask(chosen, "/api/v1/plan/routes", "PATCH", shifted)).status == 200
        async with anyio.create_task_group() as tasks:
            back = {"version": 1, "reason": "errors"}
            tasks.start_soon(operator, "POST", "/plan/rollback", back)
            more = {"route": WHO, "modern": 75, "reason": "all is well"}
            tasks.start_soon(operator, "PATCH", "/plan/routes", more)
    assert sorted(answer.status for answer in answers) == [200, 412]
    (refused,) = [answer.json() for answer in answers if answer.status == 412]
    assert (refused["code"], refused["version"]) == ("version_conflict", 3)


async def test_b127_a_rollback_survives_a_restart_beside_the_file_that_said_otherwise(
    tmp_path: Path,
) -> None:
    chosen, plan = settings(tmp_path), PLAN.format(phase="gradual", modern=10)
    async with gateway(tmp_path, plan):
        pass
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=50)):
        back = {"version": 1, "reason": "errors"}
        assert (await ask(chosen, "/api/v1/plan/rollback", "POST", back)).status == 200
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=50)) as app:
        assert app.dispatch.plan.table.routes[0].split == 10_000
    history = (await told(chosen, "/versions"))["items"]
    assert [one["actor"] for one in history] == ["api:ann", "file", "file"]


async def test_the_kill_switch_does_not_wait_for_a_plan_that_does_not_fit_the_apps_any_more(
    tmp_path: Path,
) -> None:
    chosen = settings(tmp_path)
    async with gateway(tmp_path, PLAN.format(phase="gradual", modern=100)):
        pass

    def without_who() -> Starlette:
        return Starlette(routes=[Route("/new", lambda _request: Response())])

    with closing(open_store(chosen.store_url)) as store:
        desk = PlanDesk(store.versions, chosen, lambda: [Inventory(OLD, OLD)])
        killed = desk.change(partial(with_kill_switch, on=True), Act("ann", "here", "plan.kill"))
        assert killed.changed
        with pytest.raises(PlanRefused, match="neither stack serves GET /who"):
            desk.change(partial(with_kill_switch, on=False), Act("ann", "here", "plan.resume"))
        edit = partial(with_rule, route="GET /old", fields={"modern": 0})
        with pytest.raises(PlanRefused, match="neither stack serves GET /who"):
            desk.change(edit, Act("ann", "here", "plan.shift"))
    async with gateway(tmp_path, "phase: x\n", modern=without_who) as app:
        assert app.watch.version == 2
        answer = await AsgiTarget(app).send(Request("GET", "/who"))
        assert answer.header("x-served-by") == "legacy"
