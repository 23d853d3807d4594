"""The one edit that the judge makes of a plan: another split for one route, and nothing else."""

from collections.abc import Mapping
from decimal import Decimal

from gateway.plan.edit import with_rule
from gateway.plan.model import RouteRule
from gateway.plan.numbers import percent_of
from gateway.plan.patterns import is_pattern
from gateway.routes import SPACE

_OF_A_PATTERN = ("cohort", "failover", "guard")


def with_split(text: str, route: str, split: int, rules: Mapping[str, RouteRule]) -> str:
    """`rules` are those that govern the routes, as in `Governed`. Raises PlanRefused.

    Where that is a pattern, the route gets a rule of its own that says the same of everything else. One
    that governs no other route is edited itself, for the plan refuses a pattern that decides nothing.
    """
    fields: dict[str, object] = {"modern": Decimal(str(percent_of(split)))}
    rule = rules.get(route)
    if rule is None:
        return with_rule(text, route, fields)
    alone = sum(one is rule for one in rules.values()) == 1
    if is_pattern(rule.route) and not (alone or _is_itself(rule, route)):
        dumped = rule.model_dump(mode="json", include=set(_OF_A_PATTERN), exclude_defaults=True)
        return with_rule(text, route, {**fields, **dumped})
    if rule.front_door == "modern" and split < SPACE:
        fields["front_door"] = None
    return with_rule(text, rule.route, fields)


def _is_itself(rule: RouteRule, route: str) -> bool:
    """Over apps that do not tell what they serve, a pattern is a route by itself."""
    return rule.route.replace("/**", "/{rest:path}") == route
