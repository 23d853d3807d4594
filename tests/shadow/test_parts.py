"""What shadows are made of: signatures of findings, noise, the marker, the copy of an answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.plan.document import PlanRefused, parse
from gateway.shadow.difference import Difference, Kind
from gateway.shadow.findings import Signatures, signature
from gateway.shadow.marker import Marker
from gateway.shadow.noise import without_noise
from gateway.shadow.tap import Room, Tap
from gateway.words import Stack

PATHS = st.sampled_from(["/a", "/b/*/c", "header:vary", "body", "cookie:sid;path"])
DIFFERENCES = st.lists(st.builds(Difference, PATHS, st.sampled_from(Kind)))


@given(DIFFERENCES, st.randoms())
def test_a_signature_does_not_depend_on_order_or_number(
    found: list[Difference], chance: Any
) -> None:
    shuffled = [*found, *found]
    chance.shuffle(shuffled)
    assert signature(shuffled) == signature(found)


def test_of_many_places_five_are_named() -> None:
    found = [Difference(f"/{letter}", Kind.VALUE) for letter in "gfedcba"]
    assert signature(found) == "/a value; /b value; /c value; /d value; /e value; and 2 more"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/items/*/price", "/items/*/price"),
        ("/created_at/24h", "/created_at/…"),
        ("/sha256", "/sha256"),
        ("/by_id/550e8400-e29b-41d4-a716-446655440000", "/by_id/…"),
        ("/mail/ann@example.com/x", "/mail/…/x"),
        ("/user4711", "/…"),
        (f"/{'k' * 41}", "/…"),
        ("/a/b" * 40, "/a/b" * 30 + "…"),
        ("header:\x00x\udc80", "header:?x?"),
        ("/", "/"),
        ("header:x-request-7", "header:x-request-7"),
        ("status:200-500", "status:200-500"),
    ],
)
def test_a_key_that_may_be_a_clients_own_is_not_told(path: str, told: str) -> None:
    assert signature([Difference(path, Kind.VALUE)]) == f"{told} value"


def test_what_differs_in_ever_new_places_is_told_as_one() -> None:
    known = Signatures(most=2)
    named = [
        known.named("GET /a", [Difference(path, Kind.VALUE)])
        for path in ("/a", "/b", "/c", "/d", "/a")
    ]
    others = "in yet other places"
    assert named == [
        ("/a value", True),
        ("/b value", True),
        (others, True),
        (others, False),
        ("/a value", False),
    ]
    assert known.named("GET /b", [Difference("/c", Kind.VALUE)]) == ("/c value", True)


def test_noise_is_the_same_place_and_kind() -> None:
    value, kind = Difference("/at", Kind.VALUE, 1, 2), Difference("/at", Kind.TYPE)
    other = Difference("/by", Kind.VALUE)
    assert without_noise([value, kind, other], [Difference("/at", Kind.VALUE, 1, 3), kind]) == (
        kind,
        other,
    )


@given(st.binary(max_size=100), st.integers(0, 1 << 40))
def test_no_other_marker_is_known(value: bytes, now: int) -> None:
    assert not Marker(b"secret").knows(value, now)


def test_a_marker_is_known_for_ten_minutes_by_who_has_the_secret() -> None:
    _, value = Marker(b"secret").header(1000.5)
    assert Marker(b"secret").knows(value, 1000.5)
    assert Marker(b"secret").knows(value, 1599)
    assert not Marker(b"secret").knows(value, 1600)
    assert not Marker(b"other").knows(value, 1000.5)


async def test_bytes_that_the_kernel_moves_leave_no_copy() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    tap = Tap(send, "GET /x", Stack.LEGACY, Room(1000))
    messages: list[dict[str, Any]] = [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.zerocopysend", "file": 3},
        {"type": "http.response.body", "body": b"after"},
    ]
    for message in messages:
        await tap.send(message)
    assert sent == messages
    assert tap.large
    assert tap.answer().body == b""


async def test_copies_take_no_more_than_there_is_room_for_all_of_them() -> None:
    async def send(message: Any) -> None:
        """To a client who takes it."""

    room = Room(1000)
    one, other = (Tap(send, "GET /x", Stack.LEGACY, room) for _ in range(2))
    part: dict[str, Any] = {"type": "http.response.body", "body": b"x" * 400, "more_body": True}
    for tap in (one, other, one):
        await tap.send(part)
    assert (one.full, other.full, room.left) == (True, False, 600)
    await one.send(part)
    assert (one.size, room.left) == (0, 600)
    other.drop()
    assert room.left == 1000


REFUSED = {
    "routes:\n  - {route: POST /x, modern: 0, shadow: {sample: 1}}": "line 3: routes[0]: shadow: what a POST does would be done twice; nearest: shadow: {sample: 0}",
    "routes:\n  - {route: 'DELETE /x/**', modern: 0, shadow: {sample: 1}}": "done twice",
    "defaults: {shadow: {sample: 101}}": "101 is outside 0 to 100; nearest: 100",
    "defaults: {shadow: {samples: 1}}": "unknown field; nearest: sample",
    "defaults: {shadow: 5}": "defaults.shadow",
    "routes:\n  - {route: GET /x, modern: 0, shadow: {sample: '5'}}": "write 5",
}


@pytest.mark.parametrize("text", REFUSED)
def test_t79_a_plan_that_would_shadow_writes_or_nonsense_is_refused(text: str) -> None:
    with pytest.raises(PlanRefused) as caught:
        parse(f"phase: gradual\n{text}\n")
    assert REFUSED[text] in str(caught.value)


def test_a_rule_for_a_write_may_say_that_it_is_not_shadowed() -> None:
    plan = parse(
        "phase: gradual\nroutes:\n  - {route: POST /x, modern: 0, shadow: {sample: 0}}\n"
    ).plan
    assert plan.routes[0].shadow is not None
