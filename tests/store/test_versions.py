"""`apply` is compare-and-set: of two, one wins and the other learns of it; a version and its audit line are one."""

import os
import signal
from dataclasses import replace
from multiprocessing import get_context
from threading import Thread

import pytest

from gateway.store import versions
from gateway.store.audit import add_line
from gateway.store.errors import NoSuchVersion, VersionConflict
from gateway.store.opening import Store, open_store
from gateway.store.versions import Entry, Proposal
from tests.store.acts import ACT, PLAN, applied, numbered, proposal
from tests.store.waits import until, waits


def test_a_version_is_stored_as_it_was_given(store: Store, other: Store) -> None:
    text = "# Ä 😀\nphase: gradual  # why\r\n"
    made = store.versions.apply(0, proposal(text))
    assert other.versions.current() == other.versions.get(1) == made
    assert (made.version, made.document, made.actor, made.origin, made.reason) == (
        *(1, text),
        *("cli:ann", "laptop", "the canary is clean"),
    )


def test_an_empty_store_has_no_plan(store: Store) -> None:
    assert (store.versions.newest(), store.versions.current()) == (0, None)
    assert store.versions.history(10) == []


@pytest.mark.parametrize("expected", [0, 1, 3, 99])
def test_b073_a_change_made_for_another_version_is_refused_with_the_newer_one(
    store: Store, expected: int
) -> None:
    applied(store, *numbered(2))
    with pytest.raises(
        VersionConflict, match="the plan is at version 2, the change was made"
    ) as caught:
        store.versions.apply(expected, proposal())
    assert (caught.value.expected, caught.value.current) == (expected, 2)
    assert store.versions.newest() == len(store.audit.lines(10)) == 2


def test_history_comes_in_pages_the_newest_first(store: Store) -> None:
    made = [
        Entry(one.version, one.at, one.actor, one.origin, one.reason)
        for one in applied(store, *numbered(5))[::-1]
    ]
    assert store.versions.history(2) == made[:2]
    assert store.versions.history(2, before=4) == made[2:4]
    assert store.versions.history(9, before=2) == made[4:]
    assert store.versions.history(9, before=1) == []


@pytest.mark.parametrize("version", [0, -1, 3, 1 << 31])
def test_a_version_that_is_not_there_is_named_with_the_newest(store: Store, version: int) -> None:
    applied(store, *numbered(2))
    with pytest.raises(NoSuchVersion, match=f"no version {version}; the newest is 2"):
        store.versions.get(version)


def test_a_lost_version_comes_back_under_its_number_and_the_next_follows(store: Store) -> None:
    applied(store, *numbered(2))
    store.versions.recover(9, proposal("phase: full\n"))
    applied(store, PLAN)
    assert [one.version for one in store.versions.history(9)] == [10, 9, 2, 1]
    assert [line.version for line in store.audit.lines(9)] == [10, 9, 2, 1]
    with pytest.raises(NoSuchVersion):
        store.versions.get(5)


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_that_is_there_after_all_is_not_recovered(store: Store, version: int) -> None:
    applied(store, *numbered(2))
    with pytest.raises(VersionConflict):
        store.versions.recover(version, proposal())


def test_a_recovery_and_a_change_at_once_are_not_both_accepted(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take different numbers, so no key keeps them apart: the change would be overruled unseen."""
    applied(store, PLAN)
    refused: list[int] = []

    def change() -> None:
        try:
            other.versions.apply(1, proposal("phase: parallel\n"))
        except VersionConflict as conflict:
            refused.append(conflict.current)

    def change_meanwhile(*line: object) -> None:
        monkeypatch.setattr(versions, "add_line", add_line)
        changing.start()
        if store.database.dialect == "postgresql":
            until(lambda: not changing.is_alive() or waits(store))
        add_line(*line)  # type: ignore[arg-type]  # whatever it is given

    changing = Thread(target=change)
    monkeypatch.setattr(versions, "add_line", change_meanwhile)
    store.versions.recover(9, proposal())
    changing.join(30)
    assert refused == [9]
    assert [one.version for one in store.versions.history(9)] == [9, 1]


def test_texts_applied_from_a_file_are_known_again(store: Store) -> None:
    for number, text in enumerate(("a", "b", "a")):
        store.versions.apply(number, Proposal(f"merged {text}", ACT, file=text))
    assert store.versions.last_file() == "a"
    assert [store.versions.file_known(text) for text in ("a", "b", "merged a")] == [
        True,
        True,
        False,
    ]


def test_a_version_without_its_audit_line_is_not_stored(
    store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(versions, "add_line", fail)
    with pytest.raises(ZeroDivisionError):
        store.versions.apply(0, Proposal(PLAN, ACT, file=PLAN))
    assert (other.versions.newest(), other.audit.lines(9)) == (0, [])
    assert other.versions.last_file() is None


def test_b074_a_process_killed_between_a_version_and_its_audit_line_leaves_neither(
    store: Store, store_url: str
) -> None:
    applied(store, PLAN)
    process = get_context("spawn").Process(target=die_between, args=(store_url,))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert store.versions.newest() == len(store.audit.lines(9)) == 1
    applied(store, PLAN)


def die_between(url: str) -> None:
    vars(versions)["add_line"] = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    open_store(url).versions.apply(1, proposal())


def test_audit_lines_come_in_pages_the_newest_first(store: Store) -> None:
    for number in range(5):
        store.audit.record(replace(ACT, subject=str(number)))
    first = store.audit.lines(2)
    assert [line.subject for line in first] == ["4", "3"]
    assert [line.subject for line in store.audit.lines(9, before=first[-1].id)] == ["2", "1", "0"]
    assert first[0].version is None
