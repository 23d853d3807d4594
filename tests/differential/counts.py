"""One word for each outcome, and the sums of them: tests report the words, a run's summary adds them up."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

DIFFERENTIAL: Final = "differential"  # the property of tests that a run sums up


class Verdict(StrEnum):
    """How a target's answer compares with gunicorn's."""

    EQUAL = "equal"
    CONTENT = "content"  # the same status, otherwise different
    STATUS = "status"  # another status
    REFUSED = "refused"  # on purpose: no app was called


def told(target: str, verdict: Verdict) -> str:
    """The value of the property."""
    return f"{target}: {verdict}"


def summed(values: Iterable[str]) -> str:
    """One line for a whole run; `values` are those of all its tests."""
    tables: dict[str, Counter[str]] = {}
    for value in values:
        target, _, verdict = value.rpartition(": ")
        tables.setdefault(target, Counter())[verdict] += 1
    probes = max((sum(table.values()) for table in tables.values()), default=0)
    status = "/".join(str(_compared(t) - t[Verdict.STATUS]) for t in tables.values())
    equal = "/".join(str(table[Verdict.EQUAL]) for table in tables.values())
    refused = "/".join(str(table[Verdict.REFUSED]) for table in tables.values())
    return (
        f"differential: {probes} probes to {', '.join(tables)}: "
        f"refused on purpose {refused}, status equal {status}, wire equal {equal}"
    )


def _compared(table: Counter[str]) -> int:
    return sum(table.values()) - table[Verdict.REFUSED]
