"""A latch comes with the version that rolls back or not at all, and goes with a person's line."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from gateway.store import standings
from gateway.store.audit import Act
from gateway.store.errors import NotLatched, VersionConflict
from gateway.store.evidence import Count, Event, Sighting
from gateway.store.opening import Store
from gateway.store.standings import Standing
from gateway.store.versions import Proposal
from tests.postgres import Server
from tests.store.acts import PLAN, applied, numbered
from tests.store.ticking import Clock, given_to
from tests.store.waits import until, waits

A, B = "GET /a", "GET /b"
GUARD = Act("guard", "h1", "plan.roll_back", A, "modern is worse")
ACK = Act("cli:ann", "laptop", "guard.ack", A, "mended in 4.2")
COUNT = Count(A, 1, "modern", 5_000, 10, 2)
NEW = Sighting(A, "modern", "exception", "KeyError at shop.place", 1)
NOTHING = "GET /a is not latched, and there is no evidence of modern on it to begin anew"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return given_to(monkeypatch)


def rolled_back(store: Store, route: str = A, expected: int | None = None) -> int:
    along = store.standings.latch(route, "guard", GUARD.reason)
    expected = store.versions.newest() if expected is None else expected
    text = f"{PLAN}# back from {expected}\n"
    return store.versions.apply(expected, Proposal(text, GUARD, along=along)).version


def counted(store: Store, version: int, *, stack: str = "modern", events: int = 0) -> None:
    found = [
        Event(f"{version}.{stack}.{n}", A, version, stack, 5_000, "error") for n in range(events)
    ]
    store.evidence.add([replace(COUNT, version=version, stack=stack)], found, [])


def versions(store: Store) -> set[int]:
    """Under which something is counted."""
    return {row.version for row in store.evidence.rows()}


def test_a_route_that_was_never_rolled_back_has_no_standing(store: Store) -> None:
    assert store.standings.all() == {}


def test_a_rollback_latches_its_route_with_its_version(
    store: Store, other: Store, clock: Clock
) -> None:
    applied(store, *numbered(2))
    assert rolled_back(store) == 3
    standing = Standing(A, 3, True, clock.at, "guard", "modern is worse")
    assert other.standings.all() == {A: standing}


def test_a_version_that_somebody_else_was_faster_with_latches_nothing(store: Store) -> None:
    applied(store, *numbered(2))
    with pytest.raises(VersionConflict):
        rolled_back(store, expected=1)
    assert store.standings.all() == {}


def test_a_latch_that_cannot_be_written_takes_its_version_with_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    applied(store, PLAN)
    monkeypatch.setattr(standings, "_put", fail)
    with pytest.raises(ZeroDivisionError):
        rolled_back(store)
    assert (store.versions.newest(), len(store.audit.lines(9))) == (1, 1)


def test_a_second_rollback_begins_anew_with_its_own_version(store: Store) -> None:
    applied(store, PLAN)
    rolled_back(store)
    rolled_back(store, B)
    rolled_back(store)
    assert {route: one.since for route, one in store.standings.all().items()} == {A: 4, B: 3}


def test_who_acknowledges_is_named_in_the_standing_and_in_the_audit(
    store: Store, other: Store, clock: Clock
) -> None:
    applied(store, PLAN)
    rolled_back(store)
    clock.passes(60)
    made = store.standings.acknowledge(A, ACK)
    assert made == Standing(A, 2, False, clock.at, "cli:ann", "mended in 4.2")
    assert other.standings.all() == {A: made}
    line = other.audit.lines(1)[0]
    assert (line.actor, line.action, line.subject, line.reason, line.version) == (
        *("cli:ann", "guard.ack", A, "mended in 4.2"),
        None,
    )


def test_where_nothing_is_to_be_acknowledged_nothing_is_written(store: Store) -> None:
    applied(store, PLAN)
    counted(store, 1, stack="legacy", events=3)
    store.evidence.add([], [], [replace(NEW, stack="legacy"), replace(NEW, route=B)])
    with pytest.raises(NotLatched, match=NOTHING):
        store.standings.acknowledge(A, ACK)
    assert store.standings.all() == {}
    assert len(store.audit.lines(9)) == 1
    assert len(store.evidence.rows()) == 1


def test_a_rollback_is_acknowledged_once(store: Store) -> None:
    applied(store, PLAN)
    counted(store, 1, events=3)
    rolled_back(store)
    store.standings.acknowledge(A, ACK)
    with pytest.raises(NotLatched, match=NOTHING):
        store.standings.acknowledge(A, ACK)
    assert len(store.audit.lines(9)) == 3


@pytest.mark.parametrize("kind", ["exception", "lag"])
def test_what_was_seen_on_modern_can_be_acknowledged_without_a_rollback(
    store: Store, kind: str
) -> None:
    applied(store, *numbered(4))
    store.evidence.add([], [], [replace(NEW, kind=kind)])
    assert store.standings.acknowledge(A, ACK).since == 4
    assert [one.known for one in store.evidence.sightings()] == [True]


def test_a_build_that_did_well_can_be_followed_by_one_that_has_to_prove_itself(
    store: Store,
) -> None:
    applied(store, PLAN)
    counted(store, 1)
    store.standings.acknowledge(A, ACK)
    assert store.evidence.rows() == []


def test_evidence_that_only_holds_can_be_acknowledged_without_a_rollback(store: Store) -> None:
    """Else a ramp would be held by it for ever."""
    applied(store, PLAN)
    counted(store, 1, events=2)
    store.standings.acknowledge(A, ACK)
    assert store.evidence.rows() == []


def test_evidence_begins_anew_and_what_was_counted_under_older_versions_stays(
    store: Store,
) -> None:
    """It says which split was good, and what legacy's rate was."""
    applied(store, *numbered(3))
    for version in (1, 2):
        counted(store, version, events=1)
    counted(store, 2, stack="legacy")
    assert rolled_back(store) == 4
    counted(store, 4, events=1)
    counted(store, 4, stack="legacy")
    store.evidence.add([replace(COUNT, route=B, version=4)], [], [])
    assert store.standings.acknowledge(A, ACK).since == 4
    left = {(row.route, row.version, row.stack) for row in store.evidence.rows()}
    assert left == {(A, 1, "modern"), (A, 2, "modern"), (A, 2, "legacy"), (B, 4, "modern")}


def test_an_acknowledgement_waits_for_a_rollback_and_takes_its_version(
    fleet_store: Store,
) -> None:
    """Or it would write over the new latch with what the old one said."""
    applied(fleet_store, PLAN)
    assert rolled_back(fleet_store) == 2
    latch = fleet_store.standings.latch(A, "guard", "again")
    acks: list[Future[Standing]] = []
    with ThreadPoolExecutor() as threads:

        def along(connection: sa.Connection, version: int) -> None:
            latch(connection, version)
            acks.append(threads.submit(fleet_store.standings.acknowledge, A, ACK))
            until(lambda: waits(fleet_store))

        fleet_store.versions.apply(2, Proposal(PLAN, GUARD, along=along))
        assert acks[0].result(10).since == 3
    assert fleet_store.standings.all()[A].latched is False


def test_an_acknowledgement_and_a_worker_do_not_wait_for_each_other(
    fleet_store: Store, server: Server
) -> None:
    """Both take the rows in one order, however the server finds them."""
    applied(fleet_store, PLAN)
    counted(fleet_store, 1, events=1)  # modern's row stands first
    counted(fleet_store, 1, stack="legacy")
    server.execute("ANALYZE evidence", database="test")  # or it would go by the index all the same
    with ThreadPoolExecutor() as threads:
        with fleet_store.database.writing() as connection:
            _touch(connection, "legacy")
            ack = threads.submit(fleet_store.standings.acknowledge, A, ACK)
            until(lambda: waits(fleet_store))
            _touch(connection, "modern")
        ack.result(10)
    assert versions(fleet_store) == set()


def _touch(connection: sa.Connection, stack: str) -> None:
    statement = sa.text("UPDATE evidence SET requests = requests + 1 WHERE stack = :stack")
    connection.execute(statement, {"stack": stack})
