"""Head and body go in one write where the gateway says that the body follows, and only there."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.edge.answer import Answer
from gateway.edge.cycle import Cycle
from gateway.edge.head import Field
from gateway.edge.run import run
from gateway.messages import FOLLOWS, App, Message

BODY = {"type": "http.response.body", "body": b"body"}


class Wire:
    """A connection that remembers."""

    writable: asyncio.Event | None = None

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_cut = False

    def default_headers(self) -> Sequence[Field]:
        return []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def move(self, message: Message) -> None:
        raise AssertionError("nothing is to be moved")

    def may_stay_open(self) -> bool:
        return True

    def wants_body(self) -> None:
        """Nobody sends one."""

    def answered(self) -> None:
        """The connection waits for the next request."""

    def cut(self) -> None:
        self.is_cut = True


async def answered(app: App) -> Wire:
    wire, answer = Wire(), Answer(head_only=False, http_1_0=False, keep_alive=True)
    await run(app, Cycle(wire, {"type": "http"}, answer, awaits_continue=False))
    return wire


def start(*, follows: bool, length: int = 4) -> dict[str, Any]:
    headers = [(b"content-length", b"%d" % length)]
    made = {"type": "http.response.start", "status": 200, "headers": headers}
    return made | {FOLLOWS: True} if follows else made


async def test_a_body_that_follows_goes_with_its_head() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start(follows=True))
        await send(BODY)

    (written,) = (await answered(app)).written
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert written.endswith(b"\r\n\r\nbody")


async def test_a_head_whose_body_may_take_its_time_goes_at_once() -> None:
    seen: list[int] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start(follows=False))
        seen.append(len(wire.written))
        await send(BODY)

    wire, answer = Wire(), Answer(head_only=False, http_1_0=False, keep_alive=True)
    await run(app, Cycle(wire, {"type": "http"}, answer, awaits_continue=False))
    assert seen == [1]
    assert wire.written[1] == b"body"


@pytest.mark.parametrize("follows", [True, False])
async def test_a_long_body_is_not_copied(*, follows: bool) -> None:
    body = bytes(65_536)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start(follows=follows, length=len(body)))
        await send({"type": "http.response.body", "body": body})

    head, written = (await answered(app)).written
    assert head.endswith(b"\r\n\r\n")
    assert written is body


async def test_a_head_whose_body_never_came_is_sent_before_the_connection_is_cut() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(start(follows=True))
        raise RuntimeError("between head and body")

    wire = await answered(app)
    assert [data.partition(b"\r\n")[0] for data in wire.written] == [b"HTTP/1.1 200 OK"]
    assert wire.is_cut


async def test_an_answer_without_a_body_has_its_head_all_the_same() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, FOLLOWS: True})
        await send({"type": "http.response.body"})

    (written,) = (await answered(app)).written
    assert written.startswith(b"HTTP/1.1 204 No Content\r\n")


@pytest.mark.parametrize("kind", [bytearray, memoryview])
async def test_pairs_may_be_lists_and_a_body_whatever_holds_bytes(
    kind: Callable[[bytes], Any],
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [[b"content-length", b"4"]]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": kind(b"body")})

    wire = await answered(app)
    assert b"content-length: 4\r\n" in wire.written[0]
    assert wire.written[1] == b"body"
