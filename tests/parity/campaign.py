"""All probes to all targets, and what came out of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tests.differential import counts
from tests.differential.campaign import Outcome
from tests.differential.probes.probe import Probe
from tests.differential.servers import Target
from tests.differential.wire import converse
from tests.parity.compare import differences

PARITY: Final = "parity"  # the property of tests that a run sums up


def outcomes(probe: Probe, reference: Target, targets: Sequence[Target]) -> Iterator[Outcome]:
    """Sends one probe to the reference and to each target."""
    expected = converse(reference.address, probe)
    for target in targets:
        got = converse(target.address, probe)
        found = tuple(differences(probe, expected, got, reference, target))
        yield Outcome(probe, target.name, expected, got, found)


def summed(values: Iterable[str]) -> str:
    """One line for a whole run; `values` are those of the property `PARITY` of all its tests."""
    line = counts.summed(values)
    return line.replace("differential", PARITY, 1).replace("wire equal", "equal")
