"""Tokens: what is kept of one, and what opens the door."""

import hmac
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from gateway.control.tokens import (
    Outcome,
    Role,
    StoredToken,
    TokenRefused,
    digest,
    make,
    split,
    verify,
)

NOW = 1_000_000.0
TEXT, STORED = make("ci", Role.OPERATOR, "cli:ann", NOW, None)
OTHER, _ = make("other", Role.ADMIN, "cli:ann", NOW, None)
WRONG = f"banyan_{STORED.id}_{OTHER[-32:]}"


@dataclass
class Counting:
    """`hmac.compare_digest` that keeps what it compared."""

    seen: list[tuple[bytes, bytes]] = field(default_factory=list)

    def __call__(self, one: bytes, other: bytes) -> bool:
        self.seen.append((one, other))
        return hmac.compare_digest(one, other)


def test_a_new_token_is_valid() -> None:
    assert verify(TEXT, STORED, NOW) is Outcome.VALID


def test_b086_what_is_kept_does_not_hold_the_secret() -> None:
    _, secret = split(TEXT) or ("", "")
    assert len(secret) == 32
    assert secret not in repr(STORED)
    assert STORED.digest == digest(secret)


def test_no_two_tokens_are_alike() -> None:
    made = [make("ci", Role.VIEWER, "cli:ann", NOW, None) for _ in range(200)]
    assert len({text for text, _ in made}) == len({stored.id for _, stored in made}) == 200


def test_a_token_is_split_into_what_it_was_made_of() -> None:
    for _ in range(200):  # secrets hold `_` and `-` too
        text, stored = make("ci", Role.VIEWER, "cli:ann", NOW, None)
        token_id, secret = split(text) or ("", "")
        assert (token_id, digest(secret)) == (stored.id, stored.digest)


@pytest.mark.parametrize(
    ("text", "stored", "outcome"),
    [
        (WRONG, STORED, Outcome.WRONG),
        (OTHER, None, Outcome.UNKNOWN),
        (TEXT, replace(STORED, revoked=NOW), Outcome.REVOKED),
        (TEXT, replace(STORED, expires=NOW), Outcome.EXPIRED),
        (TEXT, replace(STORED, expires=NOW + 0.001), Outcome.VALID),
        (WRONG, replace(STORED, revoked=NOW), Outcome.WRONG),
        (WRONG, replace(STORED, expires=NOW), Outcome.WRONG),
        ("", None, Outcome.MISSING),
        (TEXT.upper(), STORED, Outcome.MISSING),
        (TEXT + "=", STORED, Outcome.MISSING),
        (TEXT[:-1], STORED, Outcome.MISSING),
        (TEXT + "\n", STORED, Outcome.MISSING),
        ("x" * 100_000, None, Outcome.MISSING),
    ],
    ids=count(),  # the tokens are other ones in each process
)
def test_b080_only_a_right_token_in_force_is_valid(
    text: str, stored: StoredToken | None, outcome: Outcome
) -> None:
    assert verify(text, stored, NOW) is outcome


@pytest.mark.parametrize(
    ("text", "stored"),
    [(TEXT, STORED), (WRONG, STORED), (OTHER, None), ("", None)],
    ids=["right", "wrong", "unknown", "none"],
)
def test_b080_every_token_is_compared_once_with_a_whole_digest(
    text: str, stored: StoredToken | None
) -> None:
    counting = Counting()
    verify(text, stored, NOW, counting)
    assert [(len(one), len(other)) for one, other in counting.seen] == [(32, 32)]


def test_b080_the_digest_that_stands_for_nobody_opens_nothing() -> None:
    assert verify(OTHER, None, NOW, lambda _one, _other: True) is Outcome.UNKNOWN


def test_a_ttl_counts_from_the_making() -> None:
    assert make("ci", Role.VIEWER, "cli:ann", NOW, 60)[1].expires == NOW + 60


@pytest.mark.parametrize(
    "name", ["", "a" * 65, "a b", "a\r\nX-Evil: 1", "<script>", "a\x1b[2J", "ä", "a\n", "a/b"]
)
def test_b082_a_name_cannot_hold_what_headers_pages_or_terminals_read(name: str) -> None:
    with pytest.raises(TokenRefused, match="1 to 64 of: letters"):
        make(name, Role.VIEWER, "cli:ann", NOW, None)


@pytest.mark.parametrize("name", ["a", "a" * 64, "Ann.Lee_2@example-1"])
def test_a_name_of_a_person_or_a_machine_will_do(name: str) -> None:
    assert make(name, Role.VIEWER, "cli:ann", NOW, None)[1].name == name


@pytest.mark.parametrize("ttl", [0, -1, float("nan")])
def test_a_token_that_never_was_valid_is_not_made(ttl: float) -> None:
    with pytest.raises(TokenRefused, match="longer than 0 s"):
        make("ci", Role.VIEWER, "cli:ann", NOW, ttl)


def test_roles_are_ordered_by_what_they_may_do() -> None:
    assert sorted(Role, reverse=True) == [Role.ADMIN, Role.OPERATOR, Role.VIEWER]
    assert Role.VIEWER < Role.ADMIN
    assert Role.ADMIN > Role.OPERATOR
    assert Role.OPERATOR >= Role.OPERATOR
    assert Role.VIEWER <= Role.OPERATOR
