"""All probes to all targets, and what came out of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.differential.compare import differences
from tests.differential.probes.probe import Probe
from tests.differential.servers import Target
from tests.differential.wire import Conversation, converse


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one target answered one probe, beside the reference."""

    probe: Probe
    target: str
    expected: Conversation
    got: Conversation
    differences: tuple[str, ...]

    @property
    def same_status(self) -> bool:
        return not any(line.startswith("status:") for line in self.differences)

    @property
    def equal(self) -> bool:
        return not self.differences

    @property
    def same_connection(self) -> bool:
        """Kept by both or closed by both. No client may rely on either, so it is counted apart."""
        return self.expected.kept == self.got.kept


def outcomes(probe: Probe, reference: Target, targets: Sequence[Target]) -> Iterator[Outcome]:
    """Sends one probe to the reference and to each target."""
    expected = converse(reference.address, probe)
    for target in targets:
        got = converse(target.address, probe)
        found = tuple(differences(expected, got, reference, target))
        yield Outcome(probe, target.name, expected, got, found)
