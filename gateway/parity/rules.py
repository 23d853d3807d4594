"""What is left different on purpose: `parity.yaml`, beside the traffic plan.

ignore:
  - route: GET /api/orders        # a route, or a pattern of routes
    path: /*/placed_at            # as a finding names it; `*` is one step, `/**` everything below
    class: format                 # left out: every class
    reason: no client reads it
    by: ann
    at: 2026-11-25
    until: 2027-02-01             # the last day on which it holds
"""

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from ruamel.yaml import YAML

from gateway.endpoints import parse_endpoint
from gateway.parity.files import load_yaml, read_yaml
from gateway.plan.model import RoutePattern
from gateway.plan.patterns import matches
from gateway.shadow.difference import Difference, Ignore, Kind


class Rule(BaseModel):
    """One acceptance, signed and dated; it ends by itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    route: RoutePattern
    path: str = Field(min_length=1)
    kind: Kind | None = Field(None, alias="class")
    reason: str = Field(min_length=1)
    by: str = ""
    at: date | None = None
    until: date

    def names(self, route: str) -> bool:
        return matches(self.route, parse_endpoint(route))

    def hides(self, difference: Difference) -> bool:
        return Ignore(self.path, self.kind).hides(difference)

    def holds(self, today: date) -> bool:
        return today <= self.until

    def __str__(self) -> str:
        return f"{self.route} {self.path} {self.kind or 'every class'}, until {self.until}: {self.reason}"


class _Rules(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ignore: tuple[Rule, ...] = ()


def read_rules(path: Path) -> tuple[Rule, ...]:
    """None where there is no file. Raises FileRefused."""
    if not path.exists():
        return ()
    found = read_yaml(path, TypeAdapter(_Rules))
    return found.ignore if found else ()


def add_rules(path: Path, rules: Iterable[Rule]) -> None:
    """Appends; comments and order of the file stay. Raises FileRefused."""
    read_rules(path)
    document: Any = (load_yaml(path) if path.exists() else None) or {"ignore": []}
    if not document.get("ignore"):
        document["ignore"] = []
    for rule in rules:
        document["ignore"].append(rule.model_dump(by_alias=True, exclude_none=True) | _plain(rule))
    draft = path.with_suffix(f".{os.getpid()}")
    with draft.open("w", encoding="utf-8") as file:
        YAML().dump(document, file)
    draft.replace(path)


def _plain(rule: Rule) -> dict[str, str]:
    """Members of an enumeration are no YAML."""
    return {"class": rule.kind.value} if rule.kind else {}
