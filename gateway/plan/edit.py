"""Edits of a plan as a document: comments, order and spelling of what is not changed stay, to the byte.

Limits: a comment within a removed rule, or on a removed field's line, goes with it; one above a removed rule
stays. A value that is replaced is written on one line. A plan that is written in a way no edit can follow
(merge keys, tags) is refused, never half changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple, Self

from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode

from gateway.endpoints import Shape
from gateway.errors import BanyanError
from gateway.plan.diff import rule_key
from gateway.plan.document import PlanRefused, Problem, parse
from gateway.plan.splice import Page, fields_of
from gateway.plan.written import plain

Fields = Mapping[str, object]  # None takes a field away


class NoSuchRule(BanyanError):
    """No rule of the plan names this route."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What to change, all at once: a rule that is None goes, one that is not there yet comes last."""

    plan: Fields = field(default_factory=dict)
    defaults: Fields = field(default_factory=dict)
    rules: Mapping[str, Fields | None] = field(default_factory=dict)  # by route


def with_rule(text: str, route: str, fields: Fields) -> str:
    """Sets fields of the rule that names `route`, or adds that rule at the end. Raises PlanRefused."""
    return edited(text, Edit(rules={route: fields}))


def without_rule(text: str, route: str) -> str:
    """Raises NoSuchRule, PlanRefused."""
    routes = [rule["route"] for rule in data_of(text).get("routes") or ()]
    if rule_key(route) not in map(rule_key, routes):
        near = get_close_matches(route, routes, 1, cutoff=0.0)
        hint = f"nearest: {near[0]}" if near else "the plan has no rules"
        raise NoSuchRule(f"no rule names {route}; {hint}")
    return edited(text, Edit(rules={route: None}))


def with_phase(text: str, phase: str) -> str:
    """Raises PlanRefused."""
    return edited(text, Edit(plan={"phase": phase}))


def with_kill_switch(text: str, on: bool) -> str:
    """Raises PlanRefused. A plan that does not speak of its switch has it off."""
    quiet = not on and "kill_switch" not in data_of(text)
    return edited(text, Edit() if quiet else Edit(plan={"kill_switch": on}))


def edited(text: str, edit: Edit) -> str:
    """The text with the edit made. Raises PlanRefused if the outcome is no valid plan."""
    ours = _Plain.of(edit)
    page = _page(text)
    wanted = _wanted(page.data, ours)
    for step in (_set, _add, _remove):
        step(page, ours)
        page = _again(page) if page.changed else page
    parse(page.text)
    if page.data != wanted:
        raise _unclear()
    return page.text


def data_of(text: str) -> dict[str, Any]:
    """A plan as it is written, defaults left out. Raises PlanRefused."""
    return _page(text).data


class _Plain(NamedTuple):
    """An edit in values as YAML reads them back, its rules by what they name."""

    plan: Fields
    defaults: Fields
    rules: Mapping[Shape, Fields | None]
    routes: Mapping[Shape, str]  # the rules' routes, as the edit spells them

    @classmethod
    def of(cls, edit: Edit) -> Self:
        rules = {rule_key(route): _plain(fields) for route, fields in edit.rules.items()}
        routes = {rule_key(route): route for route in edit.rules}
        return cls(_plain(edit.plan) or {}, _plain(edit.defaults) or {}, rules, routes)

    def new(self, data: Mapping[str, Any]) -> list[dict[str, object]]:
        """The rules that `data` does not have yet."""
        there = {rule_key(rule["route"]) for rule in data.get("routes") or ()}
        return [
            _over({"route": self.routes[key]}, fields)
            for key, fields in self.rules.items()
            if fields is not None and key not in there
        ]


def _plain(fields: Fields | None) -> Fields | None:
    return None if fields is None else {name: plain(value) for name, value in fields.items()}


def _over(data: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    kept = (name for name in {**data, **fields} if fields.get(name, ...) is not None)
    return {name: fields[name] if name in fields else data[name] for name in kept}


def _page(text: str) -> Page:
    try:
        page = Page(text)
    except (YAMLError, ValueError, KeyError, RecursionError) as error:
        parse(text)  # says what is wrong, and where
        raise _unclear() from error
    if not page.data or not _has_parts(page.data):
        parse(text)
        raise _unclear()
    return page


def _again(page: Page) -> Page:
    try:
        return Page(page.result())
    except (YAMLError, ValueError, KeyError) as error:
        raise _unclear() from error


def _has_parts(data: Mapping[str, Any]) -> bool:
    defaults, routes = data.get("defaults") or {}, data.get("routes") or []
    return isinstance(defaults, dict) and isinstance(routes, list) and all(map(_has_route, routes))


def _has_route(rule: object) -> bool:
    return isinstance(rule, dict) and isinstance(rule.get("route"), str)


def _unclear() -> PlanRefused:
    message = "this plan is written in a way that no edit can follow (merge keys, tags, `? key`)"
    return PlanRefused([Problem(f"{message}; change its text yourself")])


def _wanted(data: Mapping[str, Any], edit: _Plain) -> dict[str, Any]:
    """What the outcome must read as: no slip of the pen goes unseen."""
    wanted = _over(data, edit.plan)
    defaults = _over(data.get("defaults") or {}, edit.defaults)
    routes = [
        _over(rule, fields)
        for rule in data.get("routes") or ()
        if (fields := edit.rules.get(rule_key(rule["route"]), {})) is not None
    ] + edit.new(data)
    if defaults or "defaults" in data:
        wanted["defaults"] = defaults
    if routes or "routes" in data:
        wanted["routes"] = routes
    return wanted


def _set(page: Page, edit: _Plain) -> None:
    """Sets and adds fields; an equal value keeps its spelling."""
    for name, value in _changed(page.data, edit.plan):
        page.put(page.root, name, value, after=("phase",))
    defaults = page.data.get("defaults") or {}
    changed = dict(_changed(defaults, edit.defaults))
    if changed and not defaults:
        page.put(page.root, "defaults", changed, after=("kill_switch", "phase"))
    for name, value in changed.items() if defaults else ():
        page.put(fields_of(page.root)["defaults"].value, name, value)
    for rule, node in _rules(page):
        for name, value in _changed(rule, edit.rules.get(rule_key(rule["route"])) or {}):
            page.put(node, name, value)
    if edit.new(page.data) and "routes" not in page.data:
        page.put(page.root, "routes", [])


def _changed(data: Mapping[str, Any], fields: Fields) -> Iterator[tuple[str, object]]:
    for name, value in fields.items():
        if value is not None and data.get(name) != value:
            yield name, value


def _add(page: Page, edit: _Plain) -> None:
    if new := edit.new(page.data):
        page.add_items(fields_of(page.root)["routes"], new)


def _remove(page: Page, edit: _Plain) -> None:
    there = fields_of(page.root)
    page.remove(None, page.root, _doomed(page.data, edit.plan))
    if doomed := _doomed(page.data.get("defaults") or {}, edit.defaults):
        page.remove(there["defaults"], there["defaults"].value, doomed)
    rules = [
        (edit.rules.get(rule_key(rule["route"]), {}), rule, node) for rule, node in _rules(page)
    ]
    if doomed := {index for index, (fields, _, _) in enumerate(rules) if fields is None}:
        page.remove(there["routes"], there["routes"].value, doomed)
    for fields, rule, node in rules:
        page.remove(None, node, _doomed(rule, fields or {}))


def _doomed(data: Mapping[str, Any], fields: Fields) -> set[int]:
    return {i for i, name in enumerate(data) if name in fields and fields[name] is None}


def _rules(page: Page) -> list[tuple[dict[str, Any], MappingNode]]:
    """Each rule as it reads, and where it stands."""
    if not page.data.get("routes"):
        return []
    nodes = fields_of(page.root)["routes"].value.value
    return list(zip(page.data["routes"], nodes, strict=True))
