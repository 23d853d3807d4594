"""T60: the gateway under servers that it does not start itself. What each cannot do is named."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.differential.campaign import outcomes
from tests.differential.counts import told
from tests.differential.other_servers import OTHER_SERVERS, ROWS
from tests.differential.probes import PROBES
from tests.differential.probes.probe import Probe
from tests.differential.remainder import problem, verdict
from tests.differential.servers import Target

pytestmark = pytest.mark.e2e
SERVERS: Final = "differential, other servers"  # the property of tests that a run sums up
# Under h11 it depends on how the bytes arrive what becomes of what follows the preface, and of a head
# that is longer than its buffer.
# Under httptools, whether a POST of 1.0 without a length has ended when its client closes its side.
_RACING: Final = frozenset(
    {"B012-http-2-preface", "P120-field-of-70-000", "B011-post-of-1.0-without-a-length"}
)
_CHOSEN: Final = [probe for probe in PROBES if probe.row in ROWS and probe.id not in _RACING]

Record = Callable[[str, object], None]


@pytest.mark.parametrize("probe", _CHOSEN, ids=lambda probe: probe.id)
def test_t60_another_server_differs_only_as_listed(
    probe: Probe, others: tuple[Target, ...], record_property: Record
) -> None:
    reference, *targets = others
    results = list(outcomes(probe, reference, targets))

    problems = [
        f"{one.target}: {found}" for one in results if (found := problem(one, OTHER_SERVERS))
    ]

    assert not problems, "\n".join([f"sent {probe.raw[:300]!r}", *problems])
    for one in results:
        record_property(SERVERS, told(one.target, verdict(one)))
