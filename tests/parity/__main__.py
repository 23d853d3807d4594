"""`python -m tests.parity [target …]`: every probe to every target, the counts, every difference by row."""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.differential.campaign import Outcome
from tests.differential.counts import Verdict
from tests.differential.tables import counted, show
from tests.parity.accepted import accepted, verdict
from tests.parity.campaign import outcomes
from tests.parity.probes import PROBES
from tests.parity.servers import NAIVE, TARGETS, targets

_HEAD: Final = (
    "| target | probes | refused on purpose | same status | equal | accepted |",
    "|---|---|---|---|---|---|",
)


def main(names: tuple[str, ...]) -> None:
    """Compares the targets that are named, or all."""
    chosen = names or TARGETS
    with tempfile.TemporaryDirectory() as folder, targets(Path(folder), chosen) as running:
        reference, *others = running
        results = [one for probe in PROBES for one in outcomes(probe, reference, others)]
    show(_HEAD, chosen, results, row, listed)


def row(name: str, results: list[Outcome]) -> str:
    """One target's counts, as a line of a Markdown table."""
    return counted(name, results, verdict, sum(accepted(one) is not None for one in results))


def listed(results: Iterable[Outcome]) -> Iterator[str]:
    """The rows that differ, each with its probes, what differs, and why that is accepted."""
    differing = [one for one in results if verdict(one) not in {Verdict.EQUAL, Verdict.REFUSED}]
    for name, members in groupby(sorted(differing, key=_row), _row):
        yield f"- **{name}**"
        for one in members:
            yield f"  - `{one.probe.id}`: {'; '.join(one.differences)}{_reason(one)}"


def _reason(outcome: Outcome) -> str:
    if outcome.target == NAIVE:
        return ""
    entry = accepted(outcome)
    if entry is None:
        return ". **Not explained**"
    return f". Accepted until {entry.review} ({entry.owner}): {entry.reason}"


def _row(outcome: Outcome) -> str:
    return outcome.probe.row


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
