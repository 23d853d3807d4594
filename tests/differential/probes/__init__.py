"""Every probe, by theme."""

from typing import Final

from tests.differential.probes import apps, framing, heads, incoming, outgoing, routing
from tests.differential.probes.probe import Probe

PROBES: Final[tuple[Probe, ...]] = (
    *routing.PROBES,
    *outgoing.PROBES,
    *incoming.PROBES,
    *heads.PROBES,
    *framing.PROBES,
    *apps.PROBES,
)
