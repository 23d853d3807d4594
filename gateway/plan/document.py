"""From the text of a plan to a Plan; what is wrong is named by line, place, rule and nearest right value."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from io import StringIO
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent

from gateway.errors import BanyanError
from gateway.plan.model import Plan, field_names

LIMIT: Final = 1 << 20  # characters; 10 000 routes take about 600 000
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_MAYBE_ALIAS: Final = re.compile(r"&|\*\w")  # without any, the text need not be read twice
_DEPTH: Final = 16  # brackets open at the end of a line
_BRACKETS: Final = 64  # brackets opened on one line
_NO_PLACE: Final = frozenset({"function-before", "[key]"})  # words of pydantic's in a location


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a plan, and where: `line` counts from 1, 0 is the whole file."""

    message: str
    line: int = 0
    place: str = ""  # `routes[2].modern`

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.place + ': ' if self.place else ''}{self.message}"


class PlanRefused(BanyanError):
    """The plan is not accepted; nothing changes. Carries every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("; ".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Document:
    """A valid plan and where its parts stand in its text."""

    plan: Plan
    rule_lines: tuple[int, ...] = ()  # the line of each rule


@lru_cache(maxsize=16)
def parse(text: str) -> Document:
    """Reads a plan. Raises PlanRefused. The outcome cannot be changed, and is kept for who asks again."""
    data = _load(text)
    if not isinstance(data, Mapping):
        raise PlanRefused([Problem("a plan is a mapping that begins with `phase: …`")])
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        raise PlanRefused(_problem(data, details) for details in error.errors()) from error
    return Document(plan, tuple(_line(data, ("routes", i)) for i in range(len(plan.routes))))


def _load(text: str) -> Any:
    if len(text) > LIMIT:
        raise PlanRefused([Problem(f"{len(text)} characters; a plan has at most {LIMIT}")])
    _check_brackets(text)
    try:
        # An alias can make a small text huge, and shares what two rules should say apart.
        for event in YAML().parse(StringIO(text)) if _MAYBE_ALIAS.search(text) else ():
            if isinstance(event, AliasEvent):
                line = event.start_mark.line + 1
                raise PlanRefused([Problem("aliases (`*name`) are not used in a plan", line)])
        return YAML().load(text)
    except (ValueError, ArithmeticError, LookupError, RecursionError) as error:
        # Of a scalar: `2026-99-99`, `!!int _`, `"\\U99999999"`
        raise PlanRefused([Problem(f"a value cannot be read: {error}")]) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = re.sub(r"\s+", " ", error.problem or "cannot be read as YAML")
        raise PlanRefused([Problem(problem, mark.line + 1 if mark else 0)]) from error
    except YAMLError as error:
        raise PlanRefused(
            [Problem(f"cannot be read as YAML: {str(error).splitlines()[0]}")]
        ) from error


def _check_brackets(text: str) -> None:
    """Refuses nesting that no plan has: ruamel takes time quadratic in the depth of brackets.

    Brackets in quotes are counted too: no plan has so many of them there either.
    """
    depth = 0
    for number, written in enumerate(text.splitlines(), 1):
        # In quotes a `#` begins no comment: on such a line what stands behind it counts.
        line = written if "'" in written or '"' in written else _COMMENT.sub("", written)
        opened = line.count("[") + line.count("{")
        depth += opened - line.count("]") - line.count("}")
        if depth > _DEPTH or opened > _BRACKETS:
            raise PlanRefused([Problem("nested deeper than any plan is", number)])


def _problem(data: Any, details: ErrorDetails) -> Problem:
    loc = tuple(part for part in details["loc"] if part not in _NO_PLACE)
    message = details["msg"].removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        near = get_close_matches(str(loc[-1]), field_names(loc[:-1]), 1)
        known = ", ".join(field_names(loc[:-1]))
        message = "unknown field; " + (f"nearest: {near[0]}" if near else f"known: {known}")
    elif details["type"] == "missing":
        message = f"`{loc[-1]}` is missing"
        loc = loc[:-1]
    return Problem(message, _line(data, loc), _place(loc))


def _place(loc: tuple[Any, ...]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return "".join(parts).removeprefix(".")


def _line(data: Any, loc: tuple[Any, ...]) -> int:
    """The line of `loc`, or of the nearest part above it that the text has."""
    line = 1
    for part in loc:
        marks = getattr(data, "lc", None)
        if marks is None:
            break
        try:
            line = (marks.item(part) if isinstance(part, int) else marks.key(part))[0] + 1
            data = data[part]
        except (KeyError, IndexError, TypeError):
            break
    return line
