"""`parity.json` in the var folder: the last word on every route, for people and for the plan's gate."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from gateway.atomic import replace_file
from gateway.endpoints import Inventory, Served
from gateway.parity.model import Finding, Report, RouteReport

_REPORT: Final = TypeAdapter(Report)


def report_path(var: Path) -> Path:
    return var / "parity.json"


def standing(path: Path, today: date | None = None) -> Mapping[str, tuple[Finding, ...]]:
    """Route id → the findings that nothing explains today; empty where no run has been.

    An acceptance that has expired since the run stands again.
    """
    report = read_report(path)
    day = today or datetime.now(UTC).date()
    routes = report.routes if report else {}
    found = {route: one.standing(day) for route, one in routes.items()}
    return {route: findings for route, findings in found.items() if findings}


def read_report(path: Path) -> Report | None:
    """None if there is none that can be read."""
    try:
        return _REPORT.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_report(path: Path, report: Report) -> None:
    """Raises OSError."""
    replace_file(path, _REPORT.dump_json(report, indent=1) + b"\n")


def merged(
    old: Report | None, inventory: Inventory, at: str, routes: Mapping[str, RouteReport]
) -> Report:
    """The new word on `routes`; the old one on the others, unless a stack serves something else since."""
    legacy, modern = digest(inventory.legacy), digest(inventory.modern)
    kept = old.routes if old and (old.legacy, old.modern) == (legacy, modern) else {}
    return Report(at, legacy, modern, {**kept, **routes})


def digest(served: Served) -> str:
    """Changes when what a stack serves does; empty for one that does not tell."""
    if served is None:
        return ""
    lines = "\n".join(sorted(endpoint.id for endpoint in served))
    return hashlib.sha256(lines.encode()).hexdigest()
