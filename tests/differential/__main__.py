"""`python -m tests.differential [target …]`: every probe to every target, the counts, every difference."""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.differential.campaign import Outcome, outcomes
from tests.differential.counts import Verdict
from tests.differential.probes import PROBES
from tests.differential.remainder import verdict
from tests.differential.servers import BANYAN, OTHERS, targets
from tests.differential.tables import counted, show

_HEAD: Final = (
    "| target | probes | refused on purpose | same status | equal | connection kept or closed alike |",
    "|---|---|---|---|---|---|",
)


def main(names: tuple[str, ...]) -> None:
    """Compares the targets that are named, or all."""
    chosen = names or (*BANYAN, *OTHERS)
    with tempfile.TemporaryDirectory() as folder, targets(Path(folder), chosen) as running:
        reference, *others = running
        results = [one for probe in PROBES for one in outcomes(probe, reference, others)]
    show(_HEAD, chosen, results, row, listed)


def row(name: str, results: list[Outcome]) -> str:
    """One target's counts, as a line of a Markdown table."""
    return counted(name, results, verdict, sum(one.same_connection for one in results))


def listed(results: Iterable[Outcome]) -> list[str]:
    """Every difference, but for what is refused on purpose."""
    shown = (one for one in results if verdict(one) is not Verdict.REFUSED)
    return [f"- `{one.probe.id}` {line}" for one in shown for line in one.differences]


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
