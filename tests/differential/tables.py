"""What a campaign prints: a table with a row for each target, then its differences."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tests.differential.campaign import Outcome
from tests.differential.counts import Verdict

Judged = Callable[[Outcome], Verdict]


def show(
    head: Sequence[str],
    chosen: Iterable[str],
    results: Sequence[Outcome],
    row: Callable[[str, list[Outcome]], str],
    listed: Callable[[Iterable[Outcome]], Iterable[str]],
) -> None:
    """Prints Markdown on standard output."""
    by_name = {name: [one for one in results if one.target == name] for name in chosen}
    lines = [*head, *(row(name, own) for name, own in by_name.items())]
    for name, own in by_name.items():
        lines += ["", f"## {name}", "", *listed(own)]
    sys.stdout.write("\n".join(lines) + "\n")


def counted(name: str, results: Sequence[Outcome], verdict: Judged, last: int) -> str:
    """One target's counts, as a line of the table; `last` is what stands in its last column."""
    verdicts = Counter(verdict(one) for one in results)
    refused = verdicts[Verdict.REFUSED]
    status = len(results) - refused - verdicts[Verdict.STATUS]
    sums = (len(results), refused, status, verdicts[Verdict.EQUAL], last)
    return f"| {name} | {' | '.join(map(str, sums))} |"
