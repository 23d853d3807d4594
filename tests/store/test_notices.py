"""What others are to be told waits in the store until they have taken it, or it is given up."""

from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from gateway.store.notices import KEPT, Notice
from gateway.store.opening import Store
from gateway.store.versions import Proposal
from tests.store.acts import ACT, PLAN
from tests.store.ticking import HOUR, Clock, given_to

A = "GET /a"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return given_to(monkeypatch)


def written(store: Store, *reasons: str) -> list[Notice]:
    for reason in reasons:
        store.notices.add("verdict", A, {"reason": reason})
    return store.notices.due(1000)


def due(store: Store, limit: int = 20) -> list[object]:
    return [one.document["reason"] for one in store.notices.due(limit)]


def test_a_notice_is_stored_as_it_was_given(store: Store, other: Store, clock: Clock) -> None:
    document: Mapping[str, object] = {"from": 12.5, "signals": ["error"], "reason": "Ä 😀"}
    store.notices.add("rollback", A, document)
    (notice,) = other.notices.due()
    assert notice == Notice(notice.id, clock.at, "rollback", A, document, 0, {})


def test_the_oldest_are_told_first_so_many_at_a_time(store: Store) -> None:
    written(store, *"abcde")
    assert due(store, 3) == ["a", "b", "c"]
    assert due(store) == list("abcde")


def test_what_was_taken_is_told_no_more(store: Store, other: Store) -> None:
    first, _ = written(store, "a", "b")
    store.notices.tried(first, {"webhook": "ok"}, None)
    assert due(other) == ["b"]


def test_what_was_not_taken_is_tried_again_when_it_is_time(store: Store, clock: Clock) -> None:
    first, _ = written(store, "a", "b")
    store.notices.tried(first, {"webhook": "status 500", "hook": "ok"}, 30.0)
    clock.passes(29.9)
    assert due(store) == ["b"]
    clock.passes(0.1)
    again = store.notices.due()[0]
    assert (again.id, again.attempts) == (first.id, 1)
    assert again.outcome == {"webhook": "status 500", "hook": "ok"}
    store.notices.tried(again, {"webhook": "ok", "hook": "ok"}, None)
    clock.passes(HOUR)
    assert due(store) == ["b"]


def test_what_is_given_up_is_kept_with_what_came_of_it(
    store: Store, raw: sa.Engine, clock: Clock
) -> None:
    (notice,) = written(store, "a")
    store.notices.tried(notice, {"webhook": "status 410"}, None)
    clock.passes(HOUR)
    assert due(store) == []
    with raw.connect() as connection:
        row = connection.execute(sa.text("SELECT attempts, outcome, due FROM notices")).one()
    assert tuple(row) == (1, '{"webhook": "status 410"}', None)


def test_ids_are_never_given_again(store: Store, clock: Clock) -> None:
    """Receivers know a notice by its id."""
    (first,) = written(store, "a")
    clock.passes(KEPT + 1)
    store.notices.tidy()
    (second,) = written(store, "b")
    assert second.id > first.id


def test_notices_are_kept_for_thirty_days(store: Store, clock: Clock) -> None:
    written(store, "a")
    clock.passes(KEPT)
    written(store, "b")
    store.notices.tidy()
    assert due(store) == ["a", "b"]
    clock.passes(1)
    store.notices.tidy()
    assert due(store) == ["b"]


def test_a_notice_of_a_version_comes_with_it_or_not_at_all(store: Store, other: Store) -> None:
    def along(connection: sa.Connection, version: int) -> None:
        store.notices.write(connection, "rollback", A, {"reason": "", "version": version})
        if version == 2:
            raise ZeroDivisionError

    store.versions.apply(0, Proposal(PLAN, ACT, along=along))
    with pytest.raises(ZeroDivisionError):
        store.versions.apply(1, Proposal(PLAN, ACT, along=along))
    assert [one.document["version"] for one in other.notices.due()] == [1]
