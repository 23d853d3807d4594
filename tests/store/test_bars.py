"""Every door of a person to the plan leads by the latches and the ramps; the judge's own does not."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.endpoints import Inventory, parse_endpoint
from gateway.plan.bars import Bar
from gateway.plan.desk import Mandate, PlanDesk
from gateway.plan.document import PlanRefused
from gateway.plan.edit import with_kill_switch, with_phase, with_rule, without_rule
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.opening import Store

A, B = "GET /a", "GET /b"
SERVED = tuple(map(parse_endpoint, (A, B)))
WHOLE, UNTOLD = Inventory(SERVED, SERVED), Inventory(None, None)
LATCH = Bar(A, False, "GET /a, 5 % -> 1 %")
RAMP = Bar(A, True, "running, by cli:ann")
PERSON = Act("cli:ann", "laptop", "plan.apply", "", "a person")


def plan(defaults: str = "{}", **modern: float) -> str:
    """A percentage for each route: `a=5`."""
    rules = "".join(f"  - {{route: GET /{name}, modern: {m}}}\n" for name, m in modern.items())
    head = f"phase: gradual\ndefaults: {defaults}\n"
    return head + (f"routes:\n{rules}" if rules else "")


def desk(
    store: Store, folder: Path, *bars: Bar, inventories: Sequence[Inventory] = (WHOLE,)
) -> PlanDesk:
    secret = "sixteen bytes or more"
    settings = Settings(var=folder, plan=folder / "traffic.yaml", secret=secret)
    return PlanDesk(store.versions, settings, lambda: inventories, lambda: bars)


def test_a_whole_text_is_refused_with_every_route_that_it_may_not_move(
    file_store: Store, tmp_path: Path
) -> None:
    made = desk(file_store, tmp_path, LATCH, Bar(B, True, "running, by cli:ann"))
    made.first(plan(a=1, b=5), PERSON)
    with pytest.raises(PlanRefused) as caught:
        made.change(lambda _: plan(a=2, b=6), PERSON)
    assert len(caught.value.problems) == 2
    assert file_store.versions.newest() == 1


def test_an_older_version_is_no_way_around(file_store: Store, tmp_path: Path) -> None:
    old = plan(a=25)
    desk(file_store, tmp_path).first(old, PERSON)
    desk(file_store, tmp_path).change(lambda text: with_rule(text, A, {"modern": 0}), PERSON)
    with pytest.raises(PlanRefused, match="was rolled back"):
        desk(file_store, tmp_path, LATCH).change(lambda _: old, PERSON)


def test_two_edits_are_no_way_around(file_store: Store, tmp_path: Path) -> None:
    made = desk(file_store, tmp_path, LATCH, inventories=[UNTOLD])
    made.first(plan(a=5, b=5), PERSON)
    made.change(lambda text: without_rule(text, A), PERSON)
    with pytest.raises(PlanRefused, match="was rolled back"):
        made.change(lambda text: with_rule(text, A, {"modern": 5}), PERSON)


def test_the_file_is_no_way_around(file_store: Store, tmp_path: Path) -> None:
    desk(file_store, tmp_path).first(plan(a=1), PERSON)
    with pytest.raises(PlanRefused, match="was rolled back"):
        desk(file_store, tmp_path, LATCH).take_file(plan(a=50), plan(a=1), PERSON)
    assert file_store.versions.newest() == 1


def test_hosts_that_serve_different_apps_are_each_asked(file_store: Store, tmp_path: Path) -> None:
    other = tuple(one for one in SERVED if one.id != A)
    inventories = [Inventory(SERVED, other), WHOLE]
    made = desk(file_store, tmp_path, LATCH, inventories=inventories)
    made.first(plan(defaults="{modern: 5}"), PERSON)
    with pytest.raises(PlanRefused, match="was rolled back"):
        made.change(lambda _: plan(defaults="{modern: 25}"), PERSON)


@pytest.mark.parametrize("bar", [LATCH, RAMP], ids=["latched", "ramping"])
def test_an_emergency_is_not_barred(file_store: Store, tmp_path: Path, bar: Bar) -> None:
    made = desk(file_store, tmp_path, bar)
    made.first(plan(a=5), PERSON)
    made.change(lambda text: with_kill_switch(text, True), PERSON)
    made.change(lambda text: with_kill_switch(text, False), PERSON)
    made.change(lambda text: with_phase(text, "parallel"), PERSON)
    assert file_store.versions.newest() == 4


def test_a_switch_that_hides_a_rise_does_not_let_it_through(
    file_store: Store, tmp_path: Path
) -> None:
    made = desk(file_store, tmp_path, LATCH)
    made.first(with_kill_switch(plan(a=5), True), PERSON)
    with pytest.raises(PlanRefused, match="was rolled back"):
        made.change(lambda text: with_rule(text, A, {"modern": 25}), PERSON)


def test_the_judge_itself_is_free(file_store: Store, tmp_path: Path) -> None:
    made = desk(file_store, tmp_path, LATCH, RAMP)
    made.first(plan(a=5), PERSON)
    made.change(lambda text: with_rule(text, A, {"modern": 25}), PERSON, mandate=Mandate.RAMP)
    assert file_store.versions.newest() == 2
