"""A plan moves traffic and nothing else: no word in it can import, open or reach anything."""

from pathlib import Path

import pytest

from gateway.endpoints import Endpoint, Inventory
from gateway.plan.compile import compile_plan
from gateway.plan.document import PlanRefused, parse
from gateway.stacks.address import StackNotFound
from gateway.stacks.load import load

KNOWN = (Endpoint("GET", "/x"),)
INVENTORY = Inventory(KNOWN, KNOWN)

NAMING = {
    "stacks": "stacks: {modern: 'os:system'}",
    "stack": "stack: os:system",
    "legacy": "legacy: os:system",
    "modern": "modern: http://169.254.169.254/",
    "settings": "settings: {legacy: os:system}",
    "observers": "observers: [os:system]",
    "include": "include: /etc/passwd",
    "stack of a rule": "routes: [{route: GET /x, modern: 1, stack: os:system}]",
    "app of a rule": "routes: [{route: GET /x, modern: 1, app: os:system}]",
    "url of the defaults": "defaults: {url: http://169.254.169.254/}",
    "phase": "phase: os:system",
    "split": "routes: [{route: GET /x, modern: os:system}]",
    "failover": "routes: [{route: GET /x, modern: 1, failover: os:system}]",
    "unit": "defaults: {unit: [os:system]}",
    "tag": "kill_switch: !!python/object/apply:os.system ['touch reached']",
    "name tag": "kill_switch: !!python/name:os.system",
    "merge": "<<: {stacks: {modern: os:system}}",
}


@pytest.mark.parametrize("text", NAMING.values(), ids=list(NAMING))
def test_b123_a_plan_that_names_code_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = text if text.startswith("phase") else f"phase: gradual\n{text}\n"
    with pytest.raises(PlanRefused) as refused:
        compile_plan(parse(plan), INVENTORY, version=1, secret=b"key")
    assert refused.value.problems
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["cohort: 'os:system'", "unit: ['header:os.system']"])
def test_b123_a_name_in_a_plan_stays_a_name(text: str) -> None:
    """A cohort is a salt and a unit a header's name, whatever they look like."""
    document = parse(f"phase: gradual\ndefaults: {{{text}}}\n")
    assert compile_plan(document, INVENTORY, version=1, secret=b"key").routes


@pytest.mark.parametrize("value", ["os:system", "os:sep", "pathlib:Path"])
def test_b123_what_is_no_app_is_refused_and_not_called(value: str) -> None:
    with pytest.raises(StackNotFound, match="is no app and no factory without arguments"):
        load("BANYAN_LEGACY", value)
