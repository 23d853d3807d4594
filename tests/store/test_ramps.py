"""Of two who write a ramp, one wins and the other learns of it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from gateway.store.audit import Act
from gateway.store.errors import RampConflict, VersionConflict
from gateway.store.opening import Store
from gateway.store.ramps import Kept, put
from gateway.store.versions import Proposal
from tests.store.acts import ACT, PLAN, applied

A, B = "GET /a", "GET /b"
PAUSE = Act("cli:ann", "laptop", "ramp.pause", A, "lunch")
TOLD = f"the ramp of {A} was changed meanwhile: look at it, then try again"


def test_a_ramp_is_stored_as_it_was_given(store: Store, other: Store) -> None:
    made = store.ramps.keep(Kept(A, 0, '{"why": "Ä 😀"}'))
    assert made == Kept(A, 1, '{"why": "Ä 😀"}')
    assert other.ramps.get(A) == made
    assert other.ramps.get(B) is None


def test_ramps_come_by_route_each_once(store: Store) -> None:
    for route in (B, A):
        store.ramps.keep(Kept(route, 0, "1"))
    store.ramps.keep(Kept(B, 1, "2"))
    assert store.ramps.all() == [Kept(A, 1, "1"), Kept(B, 2, "2")]


@pytest.mark.parametrize("revision", [0, 1, 3])
def test_a_revision_that_is_not_the_last_one_is_refused(store: Store, revision: int) -> None:
    kept = store.ramps.keep(store.ramps.keep(Kept(A, 0, "1")))
    with pytest.raises(RampConflict, match=TOLD):
        store.ramps.keep(Kept(A, revision, "mine"))
    assert store.ramps.get(A) == kept


def test_a_ramp_that_is_not_there_has_no_later_revision(store: Store) -> None:
    with pytest.raises(RampConflict):
        store.ramps.keep(Kept(A, 1, "mine"))
    assert store.ramps.get(A) is None


def test_its_audit_line_and_what_belongs_to_it_come_with_it(store: Store, other: Store) -> None:
    also = store.notices.write
    store.ramps.keep(Kept(A, 0, "1"), PAUSE, lambda c: also(c, "ramp", A, {"state": "paused"}))
    (line,) = other.audit.lines(9)
    assert (line.actor, line.action, line.reason) == ("cli:ann", "ramp.pause", "lunch")
    assert [one.document for one in other.notices.due()] == [{"state": "paused"}]


def test_a_ramp_that_is_refused_leaves_no_line_and_tells_nobody(store: Store) -> None:
    store.ramps.keep(Kept(A, 0, "1"))
    with pytest.raises(RampConflict):
        store.ramps.keep(Kept(A, 0, "2"), PAUSE, lambda c: store.notices.write(c, "ramp", A, {}))
    assert (store.audit.lines(9), store.notices.due()) == ([], [])


def test_what_fails_beside_it_takes_it_back(store: Store) -> None:
    def fail(_: sa.Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.ramps.keep(Kept(A, 0, "1"), PAUSE, fail)
    assert (store.ramps.all(), store.audit.lines(9)) == ([], [])


@pytest.mark.parametrize("revision", [0, 1])
def test_b073_of_eight_who_write_at_once_one_wins(
    store: Store, other: Store, revision: int
) -> None:
    if revision:
        store.ramps.keep(Kept(A, 0, "first"))
    store.versions.newest()
    start = Barrier(8)

    def keep(writer: int) -> str:
        start.wait(30)
        try:
            return (store, other)[writer % 2].ramps.keep(Kept(A, revision, str(writer))).document
        except RampConflict:
            return ""

    with ThreadPoolExecutor(8) as threads:
        won = [found for found in threads.map(keep, range(8)) if found]
    assert len(won) == 1
    assert store.ramps.get(A) == Kept(A, revision + 1, won[0])


@pytest.mark.parametrize("revision", [0, 7])
def test_a_step_whose_ramp_was_changed_meanwhile_makes_no_version(
    store: Store, revision: int
) -> None:
    applied(store, PLAN)
    store.ramps.keep(Kept(A, 0, "paused by a person"))

    def along(connection: sa.Connection, _version: int) -> None:
        put(connection, Kept(A, revision, "the next step"))

    with pytest.raises(RampConflict):
        store.versions.apply(1, Proposal(PLAN, ACT, along=along))
    assert (store.versions.newest(), len(store.audit.lines(9))) == (1, 1)
    assert store.ramps.get(A) == Kept(A, 1, "paused by a person")


def test_a_step_whose_version_somebody_else_made_leaves_its_ramp(store: Store) -> None:
    applied(store, PLAN, PLAN)
    kept = store.ramps.keep(Kept(A, 0, "1"))

    def along(connection: sa.Connection, _version: int) -> None:
        put(connection, Kept(A, 1, "2"))

    with pytest.raises(VersionConflict):
        store.versions.apply(1, Proposal(PLAN, ACT, along=along))
    assert store.ramps.get(A) == kept


def test_a_step_and_its_version_are_written_together(store: Store, other: Store) -> None:
    store.ramps.keep(Kept(A, 0, "1"))

    def along(connection: sa.Connection, version: int) -> None:
        put(connection, Kept(A, 1, f"the step of version {version}"))

    made = store.versions.apply(0, Proposal(PLAN, ACT, along=along))
    assert made.version == other.versions.newest() == 1
    assert other.ramps.get(A) == Kept(A, 2, "the step of version 1")
