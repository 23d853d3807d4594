"""No route gets more traffic for modern while differences stand that nobody has explained."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import write_inventory
from gateway.parity.accept import Selector, Signature
from gateway.parity.command import accepted
from gateway.parity.gate import gate_of
from gateway.parity.judge import Judge
from gateway.parity.model import Evidence, Probe
from gateway.parity.report import merged, report_path, write_report
from gateway.plan.compile import compile_plan
from gateway.plan.document import PlanRefused, parse
from gateway.plan.gate import Gate
from gateway.settings import Settings
from gateway.shadow.difference import Difference, Kind
from gateway.store.audit import Act
from gateway.store.opening import open_store
from gateway.store.versions import Proposal
from tests.controlling import ask, told
from tests.stacks import flask_app, settings, starlette_app

TODAY = date(2026, 11, 25)
WHO = "GET /who"
BOTH = Endpoint("GET", "/who"), Endpoint("GET", "/boom")
SERVED = Inventory(BOTH, BOTH)
FOUND = Difference("/price", Kind.TYPE, 1.5, "1.5")
GRADUAL = "phase: gradual\nroutes:\n  - {{route: GET /who, modern: {}}}\n  - {{route: GET /boom, modern: {}}}\n"
MESSAGE = (
    "a difference stands unexplained on GET /who (/price type); nearest: modern: {}, or mend it, or "
    '`banyan parity --accept "GET /who" --reason …`'
)


def gradual(who: float, boom: float = 0) -> str:
    return GRADUAL.format(who, boom)


@pytest.fixture
def folder(tmp_path: Path) -> Settings:
    """After a run of parity that found one difference on GET /who; the plan in force has it at 10 %."""
    chosen = settings(tmp_path, secret="long enough for the tests", legacy=None, modern=None)
    evidence = Evidence(WHO, [(Probe(WHO, "plain", "GET", "/who"), (FOUND,))], reached=True)
    routes = {WHO: Judge((), TODAY, "now").report(evidence)}
    write_report(report_path(chosen.var), merged(None, SERVED, "now", routes))
    write_inventory(chosen.inventory_path, SERVED)
    versions = open_store(chosen.store_url).versions
    versions.apply(0, Proposal(gradual(10), Act("test", "here", "plan.apply")))
    return chosen


def refusals(
    chosen: Settings, text: str, today: date = TODAY, before: str | None = gradual(10)
) -> list[str]:
    """What the plan's compiler says, with the gate that is on disk and the plan in force."""
    try:
        compile_plan(
            parse(text),
            SERVED,
            version=2,
            secret=chosen.secret_bytes(),
            gate=gate_of(chosen, SERVED, before, today),
        )
    except PlanRefused as refusal:
        return [str(problem) for problem in refusal.problems]
    return []


def test_more_traffic_on_a_route_with_differences_is_refused_with_the_way_out(
    folder: Settings,
) -> None:
    assert refusals(folder, gradual(11)) == [f"line 3: routes[0].route: {MESSAGE.format('10')}"]


@pytest.mark.parametrize(
    ("plan", "passes"),
    [
        (gradual(10), True),
        (gradual(9), True),
        (gradual(0), True),
        (gradual(10.001), False),
        (gradual(10, boom=100), True),
        (gradual(11, boom=100), False),
        ("phase: gradual\n", True),
        ("phase: gradual\ndefaults: {modern: 10}\n", True),
        ("phase: gradual\ndefaults: {modern: 11}\n", False),
        ('phase: gradual\nroutes: [{route: "* /**", modern: 11}]\n', False),
        ("phase: full\n", False),
        ("phase: parallel\n", True),
        (f"kill_switch: true\n{gradual(10)}", True),
        (f"kill_switch: true\n{gradual(100)}", False),  # it would come when the switch goes
        (f"{gradual(100)}".replace("gradual", "parallel"), True),
    ],
)
def test_what_counts_is_the_share_that_modern_would_answer(
    folder: Settings, plan: str, passes: bool
) -> None:
    assert (refusals(folder, plan) == []) is passes


@pytest.mark.parametrize(
    ("before", "plan", "passes"),
    [
        ("phase: full\n", gradual(100), True),
        ("phase: full\n", "phase: full\n", True),
        ("phase: parallel\n", gradual(1), False),
        (f"kill_switch: true\n{gradual(10)}", gradual(10), True),
        (f"kill_switch: true\n{gradual(10)}", gradual(11), False),
        (gradual(10), f"kill_switch: true\n{gradual(10)}", True),
        (None, gradual(1), False),
        (None, gradual(0), True),
        (gradual(10).replace("/boom", "/gone"), gradual(10), True),
        (gradual(10).replace("/boom", "/gone"), gradual(11), False),
        ("phase: gradual\nroutes: [{route: GET /gone, modern: 10}]\n", gradual(1), False),
        ("phase: of another version\n", gradual(1), False),
    ],
)
def test_it_is_compared_with_the_plan_in_force(
    folder: Settings, before: str | None, plan: str, passes: bool
) -> None:
    assert (refusals(folder, plan, before=before) == []) is passes


def test_a_route_with_many_differences_names_the_first_of_them(folder: Settings) -> None:
    paths = [f"/{n} type" for n in range(5)]
    gate = Gate({WHO: paths}, None)
    table = compile_plan(parse(gradual(5)), SERVED, version=1, secret=b"s")
    ((route, message),) = gate.refusals(table)
    assert route.id == WHO
    assert message.startswith(
        "5 differences stand unexplained on GET /who (/0 type, /1 type, /2 type, …)"
    )


def test_what_has_been_accepted_passes(folder: Settings) -> None:
    accept(folder, TODAY)
    assert refusals(folder, gradual(11)) == []


def accept(chosen: Settings, until: date) -> None:
    signature = Signature("no client reads it", "ann", TODAY, until)
    accepted(chosen, chosen.plan.with_name("parity.yaml"), Selector(WHO), signature)


def test_an_acceptance_that_has_expired_refuses_again(folder: Settings) -> None:
    accept(folder, TODAY)
    said = refusals(folder, gradual(11), TODAY + timedelta(days=1))
    assert said == [f"line 3: routes[0].route: {MESSAGE.format('10')}"]


async def test_a_running_gateway_keeps_its_plan_and_says_why(folder: Settings) -> None:
    folder.plan.write_text(gradual(10))
    app = Gateway(folder, flask_app, starlette_app)
    async with app.running():
        folder.plan.write_text(gradual(50))
        for _ in range(2):  # a text that holds for two looks
            await app.watch.poll()
    assert "unexplained on GET /who" in str(app.watch.refusal)
    assert app.dispatch.plan.table.routes[0].split == 10_000


async def test_a_running_gateway_applies_what_the_gate_lets_through(folder: Settings) -> None:
    folder.plan.write_text(gradual(10))
    app = Gateway(folder, flask_app, starlette_app)
    async with app.running():
        folder.plan.write_text(gradual(5, boom=50))
        for _ in range(2):
            await app.watch.poll()
    assert app.watch.refusal is None
    assert [route.split for route in app.dispatch.plan.table.routes[:2]] == [5_000, 50_000]


async def test_a_gateway_starts_again_with_the_plan_that_is_in_force(folder: Settings) -> None:
    folder.plan.write_text(gradual(10))
    app = Gateway(folder, flask_app, starlette_app)
    async with app.running():
        assert app.dispatch.plan.table.routes[0].split == 10_000


async def test_validate_the_control_plane_and_the_gateway_refuse_alike(folder: Settings) -> None:
    folder.plan.write_text(gradual(50))
    checked = await ask(folder, "/api/v1/plan/check", "POST", {"document": gradual(50)})
    said = [
        f"line {one['line']}: {one['place']}: {one['message']}"
        for one in checked.json()["problems"]
    ]
    app = Gateway(folder, flask_app, starlette_app)
    async with app.running():
        assert app.watch.refusal is not None
        refused = [str(problem) for problem in app.watch.refusal.problems]
    assert said == refused == refusals(folder, gradual(50)) != []
    shifted = {"route": WHO, "modern": 50, "reason": "more"}
    answer = await ask(folder, "/api/v1/plan/routes", "PATCH", shifted)
    assert (answer.status, answer.json()["detail"]) == (422, MESSAGE.format("10"))


async def test_the_report_counts_what_stands_on_a_route(folder: Settings) -> None:
    report = await told(folder, "/routes")
    found = {row["route"]: row["unexplained"] for row in report["routes"]}
    assert (found["GET /who"], found["GET /boom"]) == (1, 0)


def test_a_report_that_cannot_be_read_holds_nobody_up(folder: Settings) -> None:
    report_path(folder.var).write_text("{")
    assert refusals(folder, gradual(100)) == []
