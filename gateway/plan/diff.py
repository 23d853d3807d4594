"""What differs between two plans, as rows for a screen and as one line for a log."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from gateway.endpoints import Shape, parse_endpoint
from gateway.plan.model import Plan
from gateway.plan.patterns import is_pattern

_NAMED: Final = 5  # places in a summary


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs; None is not there.

    `place` is a field of the plan, `defaults`, or a rule's route as the newer plan spells it;
    `field` is empty for a field of the plan.
    """

    place: str
    field: str
    before: str | None
    after: str | None


def changes(before: Plan | None, after: Plan) -> tuple[Change, ...]:
    """Fields of the plan, then defaults, then rules in the order of the newer plan, then removed rules."""
    return (*_plan_changes(before, after), *_rule_changes(before, after))


def summary(changes: Iterable[Change]) -> str:
    """One line: `phase parallel → gradual; GET /api/balances modern 0 → 25; new rule POST /x modern 5`."""
    parts = [_part(place, list(rows)) for place, rows in groupby(changes, lambda row: row.place)]
    more = len(parts) - _NAMED
    named = [*parts[:_NAMED], f"and {more} more"] if more > 0 else parts
    return "; ".join(named) or "no change"


def rule_key(route: str) -> Shape:
    """Equal for two rules that name the same route; a pattern is the same only as text."""
    endpoint = parse_endpoint(route)
    return (endpoint.method, endpoint.template) if is_pattern(route) else endpoint.shape


def _plan_changes(before: Plan | None, after: Plan) -> Iterator[Change]:
    apart = {"defaults", "routes"}
    for field, old, new in _compared(before, after, apart):
        yield Change(field, "", old, new)
    for field, old, new in _compared(before and before.defaults, after.defaults, set()):
        yield Change("defaults", field, old, new)


def _rule_changes(before: Plan | None, after: Plan) -> Iterator[Change]:
    removed = {rule_key(rule.route): rule for rule in (before.routes if before else ())}
    for rule in after.routes:
        old_rule = removed.pop(rule_key(rule.route), None)
        for field, old, new in _compared(old_rule, rule, {"route"}):
            yield Change(rule.route, field, old, new)
    for rule in removed.values():
        for field, old, new in _compared(rule, None, {"route"}):
            yield Change(rule.route, field, old, new)


def _compared(
    before: BaseModel | None, after: BaseModel | None, apart: set[str]
) -> Iterator[tuple[str, str | None, str | None]]:
    """The fields that differ. Where one side is not there, defaults of the other say nothing."""
    alone = before is None or after is None
    old, new = (_values(model, apart, alone=alone) for model in (before, after))
    for field in new | old:
        if old.get(field) != new.get(field):
            yield field, _shown(old.get(field)), _shown(new.get(field))


def _values(model: BaseModel | None, apart: set[str], *, alone: bool) -> dict[str, object]:
    if model is None:
        return {}
    dumped = model.model_dump(exclude=apart, exclude_defaults=alone)
    return {field: _plain(value) for field, value in dumped.items()}


def _plain(value: Any) -> object:
    """As JSON would have it, with numbers as numbers: pydantic writes a Decimal as text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return to_jsonable_python(value)


def _shown(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _part(place: str, rows: list[Change]) -> str:
    """All that changes at one place. Every rule has `modern`, so one without it was not there."""
    whole = [row for row in rows if row.field == "modern" and place != "defaults"]
    if any(row.before is None or row.after is None for row in whole):
        kind = "new rule" if whole[0].before is None else "removed rule"
        return (
            f"{kind} {place} {', '.join(f'{row.field} {row.after or row.before}' for row in rows)}"
        )
    return f"{place} {', '.join(_said(row) for row in rows)}"


def _said(row: Change) -> str:
    if row.before is None:
        said = str(row.after)
    else:
        said = f"{row.before} {'removed' if row.after is None else '→ ' + row.after}"
    return f"{row.field} {said}".lstrip()
