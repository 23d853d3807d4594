"""A listed difference must go on differing in just that; an unlisted one fails."""

import pytest

from tests.differential.campaign import Outcome
from tests.differential.counts import Verdict
from tests.differential.probes.probe import get, probe
from tests.differential.wire import Conversation
from tests.parity.accepted import Accepted, Owner, problem, verdict
from tests.parity.servers import BEHIND, KIT

_PROBE = probe("P099", "any", get("/any"))
_NOTHING = Conversation((), None)
_LISTED = (Accepted(_PROBE.id, frozenset({"json"}), "a reason", Owner.HANDLER, (BEHIND,)),)


def outcome(*differences: str, target: str = BEHIND) -> Outcome:
    return Outcome(_PROBE, target, _NOTHING, _NOTHING, differences)


def test_what_is_listed_may_differ() -> None:
    assert problem(outcome("json: $.a 1 → 2"), _LISTED) == ""


@pytest.mark.parametrize(
    "differences",
    [(), ("status: [200] → [500]",), ("json: $.a 1 → 2", "allow: None → {'get'}")],
    ids=["nothing", "something else", "more"],
)
def test_what_is_listed_must_differ_in_just_that(differences: tuple[str, ...]) -> None:
    assert problem(outcome(*differences), _LISTED).startswith("listed as differing in ['json']")


def test_what_is_listed_for_one_target_is_not_for_another() -> None:
    assert problem(outcome("json: $.a 1 → 2", target=KIT), _LISTED) == "json: $.a 1 → 2"


def test_what_is_not_listed_must_be_equal() -> None:
    assert problem(outcome("json: $.a 1 → 2"), ()) == "json: $.a 1 → 2"
    assert problem(outcome(), ()) == ""


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ((), Verdict.EQUAL),
        (("json: $.a 1 → 2",), Verdict.CONTENT),
        (("status: [200] → [500]",), Verdict.STATUS),
    ],
)
def test_a_difference_of_status_is_the_worse_one(
    differences: tuple[str, ...], expected: Verdict
) -> None:
    assert verdict(outcome(*differences)) is expected
