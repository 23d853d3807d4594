"""What `banyan parity` does: a run, judged and kept; or what stands, accepted."""

import getpass
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from gateway.errors import BanyanError
from gateway.parity.accept import Selector, Signature, rules_for, with_rules
from gateway.parity.examples import read_examples
from gateway.parity.judge import Judge, complaints
from gateway.parity.model import Report
from gateway.parity.report import merged, read_report, report_path, write_report
from gateway.parity.rules import Rule, add_rules
from gateway.parity.run import Wanted, run
from gateway.settings import Settings

_DAYS: Final = 90  # for which an acceptance holds unless it says otherwise


class Usage(BanyanError):
    """An option is missing, or says nothing that can be used."""

    exit_code = 2


def wanted(
    settings: Settings, routes: list[str], budget: int, fresh: list[str], examples: Path | None
) -> Wanted:
    """The run that the options ask for. Raises Usage and FileRefused."""
    if settings.legacy is None or settings.modern is None:
        raise Usage("two stacks are compared: name both with --legacy and --modern")
    pairs = [pair.partition("=") for pair in fresh]
    if wrong := [name + value for name, equals, value in pairs if not (name and equals)]:
        raise Usage(f"--fresh {wrong[0]!r} is no NAME=VALUE")
    environment = {name: value for name, _, value in pairs}
    told = read_examples(examples) if examples else []
    return Wanted(settings, settings.legacy, settings.modern, routes, budget, environment, told)


def probed(asked: Wanted, rules: Sequence[Rule], *, values: bool) -> tuple[Report, list[str]]:
    """The report on the routes that were asked for, and what is wrong with the rules.

    What is kept in the var folder has the other routes too. Raises Usage, and what `run` raises.
    """
    found, now = run(asked), datetime.now(UTC)
    judge = Judge(rules, now.date(), now.isoformat(timespec="seconds"), values)
    routes = {route: judge.report(evidence) for route, evidence in found.evidence.items()}
    if not routes:
        raise Usage("neither stack serves a route")
    path = report_path(asked.settings.var)
    report = merged(read_report(path), found.inventory, judge.at, routes)
    write_report(path, report)
    shown = Report(report.at, report.legacy, report.modern, routes)
    return shown, complaints(rules, routes.values(), judge.today)


def accepted(
    settings: Settings, file: Path, selector: Selector, signature: Signature
) -> list[Rule]:
    """Appends to the rules, and tells the last report, which the plan is checked against.

    Raises Usage, NothingStands and FileRefused.
    """
    path = report_path(settings.var)
    report = read_report(path)
    if report is None:
        raise Usage(f"there is no {path} yet: run `banyan parity` first")
    rules = rules_for(report, selector, signature)
    add_rules(file, rules)
    write_report(path, with_rules(report, rules, signature.at))
    return rules


def signature(reason: str, until: date | None, today: date) -> Signature:
    """Raises Usage: what is accepted has a reason and an end to come."""
    if not reason.strip():
        raise Usage("--accept needs a --reason")
    last = until or today + timedelta(days=_DAYS)
    if last < today:
        raise Usage(f"--until {last} is over")
    return Signature(reason.strip(), getpass.getuser(), today, last)
