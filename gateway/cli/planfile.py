"""A plan that a command is given: a file, or standard input."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import BanyanError


def plan_text(file: Path) -> str:
    """`-` is standard input. Raises PlanRefused."""
    from gateway.plan.document import PlanRefused, Problem
    from gateway.plan.file import read_plan

    if str(file) != "-":
        return read_plan(file)
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8: a plan is a text file"
        raise PlanRefused([Problem(message)]) from error


def named_plan_text(file: Path) -> str:
    """Likewise; what is raised names the file."""
    from gateway.plan.document import PlanRefused, Problem

    try:
        return plan_text(file)
    except PlanRefused as refusal:
        found = [one.message for one in refusal.problems]
        name = "standard input" if str(file) == "-" else str(file)
        told = [one if name in one else f"{name}: {one}" for one in found]
        raise PlanRefused(map(Problem, told)) from refusal


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """A control plane that refuses the plan knows its lines, not where they stand."""
    from gateway.cli.answers import Refused

    try:
        yield
    except Refused as refused:
        if refused.problem.get("code") != "plan_refused":
            raise
        raise BanyanError(f"{file}: {refused}") from refused
