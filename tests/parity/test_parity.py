"""The same bytes to Flask under gunicorn and to its FastAPI port: what differs is listed, or fails."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.differential.campaign import Outcome
from tests.differential.counts import Verdict, told
from tests.differential.probes.probe import Probe
from tests.parity.accepted import ACCEPTED, ALL, NEVER, problem, verdict
from tests.parity.campaign import PARITY, summed
from tests.parity.probes import PROBES
from tests.parity.servers import BEHIND, KIT, NAIVE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("parity")]  # its servers start once

Asked = Callable[[Probe], tuple[Outcome, ...]]
Record = Callable[[str, object], None]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
def test_the_port_answers_as_flask_does(
    probe: Probe, asked: Asked, record_property: Record
) -> None:
    results = asked(probe)

    problems = [
        f"{one.target}: {found}"
        for one in results
        if one.target != NAIVE and (found := problem(one))
    ]

    assert not problems, "\n".join([f"sent {probe.raw[:300]!r}", *problems])
    for one in results:
        record_property(PARITY, told(one.target, verdict(one)))


@pytest.mark.parametrize("probe", [p for p in PROBES if p.status], ids=lambda probe: probe.id)
def test_a_probe_reaches_what_it_is_named_for(probe: Probe, asked: Asked) -> None:
    assert asked(probe)[0].expected.statuses[:1] == (probe.status,)


def test_behind_banyan_the_port_reaches_its_shares(asked: Asked) -> None:
    """Of 235 requests 225 with the same status and 210 equal, as shares."""
    verdicts = Counter(
        verdict(one) for probe in PROBES for one in asked(probe) if one.target == BEHIND
    )
    compared = sum(verdicts.values()) - verdicts[Verdict.REFUSED]

    assert compared - verdicts[Verdict.STATUS] >= 225 / 235 * compared
    assert verdicts[Verdict.EQUAL] >= 210 / 235 * compared


def test_behind_banyan_legacy_answers_only_what_its_rules_decide(asked: Asked) -> None:
    """Else the port would be equal by never being asked."""
    by_legacy = [
        (probe.id, final.status)
        for probe in PROBES
        for one in asked(probe)
        for final in one.got.finals
        if final.get("x-served-by") == "legacy" and probe.methods != ("OPTIONS",)
    ]

    assert {status for _, status in by_legacy} == {308, 404, 405, 418}
    assert [name for name, status in by_legacy if status == 418] == ["P108-hook-stops-a-post"]


def test_there_are_enough_probes_and_each_has_a_name_of_its_own() -> None:
    assert len(PROBES) >= 235
    assert len({probe.id for probe in PROBES}) == len(PROBES)


def test_what_is_accepted_is_a_probe_and_listed_once() -> None:
    listed = [(entry.probe, target) for entry in ALL for target in entry.targets]

    assert len(set(listed)) == len(listed)
    assert {probe for probe, _ in listed} <= {probe.id for probe in PROBES}


def test_nothing_is_accepted_where_a_stack_would_act_on_other_data() -> None:
    assert [entry.probe for entry in ACCEPTED if entry.probe[:4] in NEVER] == []


def test_the_counts_of_all_tests_are_one_line() -> None:
    values = [told(KIT, Verdict.EQUAL), told(KIT, Verdict.CONTENT), told(BEHIND, Verdict.EQUAL)]

    assert summed(values) == (
        "parity: 2 probes to kit, kit behind banyan: "
        "refused on purpose 0/0, status equal 2/1, equal 1/1"
    )
