"""The same bytes to the same Flask app, under gunicorn and behind Banyan: the answers must be equal."""

from collections.abc import Callable

import pytest

from tests.differential.campaign import outcomes
from tests.differential.counts import DIFFERENTIAL, Verdict, summed, told
from tests.differential.probes import PROBES
from tests.differential.probes.probe import Probe
from tests.differential.remainder import ON_PURPOSE, OTHERWISE, REMAINDER, problem, verdict
from tests.differential.servers import BANYAN, Target

pytestmark = pytest.mark.e2e
_SHARE = 0.02  # of the probes, that may differ for a reason

Record = Callable[[str, object], None]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
def test_b015_every_target_answers_as_gunicorn_does(
    probe: Probe, banyans: tuple[Target, ...], record_property: Record
) -> None:
    reference, *targets = banyans
    results = list(outcomes(probe, reference, targets))

    problems = [f"{one.target}: {found}" for one in results if (found := problem(one))]

    assert not problems, "\n".join([f"sent {probe.raw[:300]!r}", *problems])
    if probe.status is not None:
        assert results[0].expected.statuses[:1] == (probe.status,)
    for one in results:
        record_property(DIFFERENTIAL, told(one.target, verdict(one)))


def test_b015_there_are_enough_probes_and_each_has_a_name_of_its_own() -> None:
    assert len(PROBES) >= 250
    assert len({probe.id for probe in PROBES}) == len(PROBES)


@pytest.mark.parametrize("target", BANYAN)
def test_b015_what_may_differ_is_a_small_part_and_exists(target: str) -> None:
    entries = [entry for entry in REMAINDER if target in entry.targets]
    names = {probe.id for probe in PROBES}

    assert len(entries) <= _SHARE * len(PROBES)
    assert {entry.probe for entry in entries} <= names
    assert ON_PURPOSE.keys() | OTHERWISE.keys() <= names
    assert all(entry.reason for entry in entries)


def test_b015_the_counts_of_all_tests_are_one_line() -> None:
    values = [told("in process", Verdict.EQUAL), told("in process", Verdict.REFUSED)]

    assert summed([*values, told("remote", Verdict.STATUS), told("remote", Verdict.EQUAL)]) == (
        "differential: 2 probes to in process, remote: "
        "refused on purpose 1/0, status equal 1/1, wire equal 1/1"
    )
