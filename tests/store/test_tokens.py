"""Tokens in the store; of several first ones, one is taken."""

from dataclasses import replace
from threading import Barrier, Thread

import pytest

from gateway.control.tokens import Role, StoredToken
from gateway.store.opening import Store
from gateway.store.tokens import Tokens
from tests.store.acts import ACT

MADE = replace(ACT, action="token.create", subject="ci")
GONE = replace(ACT, action="token.revoke", subject="ci")


def token(id_: str = "a2345678", created: float = 1.0, expires: float | None = None) -> StoredToken:
    return StoredToken(id_, "ci", Role.OPERATOR, bytes(range(32)), created, "cli:ann", expires)


@pytest.fixture
def tokens(store: Store) -> Tokens:
    return Tokens(store.database)


@pytest.mark.parametrize("expires", [None, 2.5])
def test_a_token_is_found_as_it_was_made(
    tokens: Tokens, other: Store, expires: float | None
) -> None:
    tokens.add(token(expires=expires), MADE)
    assert Tokens(other.database).find("a2345678") == token(expires=expires)
    assert [line.action for line in other.audit.lines(9)] == ["token.create"]
    assert tokens.find("b2345678") is None


def test_tokens_are_listed_the_oldest_first(tokens: Tokens) -> None:
    for id_, created in (("b", 3.0), ("c", 1.0), ("a", 2.0)):
        tokens.add(token(id_, created), MADE)
    assert [one.id for one in tokens.all()] == ["c", "a", "b"]


def test_a_token_is_revoked_once(tokens: Tokens, store: Store) -> None:
    tokens.add(token(), MADE)
    before = tokens.now()
    assert [tokens.revoke("a2345678", GONE), tokens.revoke("a2345678", GONE)] == [True, False]
    assert not tokens.revoke("unknown", GONE)
    found = tokens.find("a2345678")
    assert found is not None
    assert found.revoked is not None
    assert before <= found.revoked <= tokens.now()
    assert [line.action for line in store.audit.lines(9)] == ["token.revoke", "token.create"]


def test_a_first_token_is_first_only_where_there_is_none(tokens: Tokens) -> None:
    assert [tokens.add_first(token("a"), MADE), tokens.add_first(token("b"), MADE)] == [True, False]
    assert [one.id for one in tokens.all()] == ["a"]


def test_of_eight_first_tokens_at_once_one_is_taken(store: Store, other: Store) -> None:
    store.versions.newest()
    begin = Barrier(8)
    taken: list[bool] = []

    def take(number: int) -> None:
        mine = Tokens((store, other)[number % 2].database)
        begin.wait(30)
        taken.append(mine.add_first(token(f"t{number}"), MADE))

    threads = [Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == [False] * 7 + [True]
    assert len(Tokens(store.database).all()) == len(store.audit.lines(9)) == 1
