"""A thread of the pool outlives whatever an app does to its request: lost ones would be missed by everybody."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal

from gateway.stacks.wsgi.bridge import WSGIStack
from tests.gateway.bridge import Client
from tests.stacks import settings

StartResponse = Callable[..., Any]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Callable[[Any], WSGIStack]]:
    """Makes a stack of one thread."""
    made: list[WSGIStack] = []

    def make(app: Any) -> WSGIStack:
        made.append(WSGIStack(app, settings(tmp_path, wsgi_threads=1), BlockingPortal(), {}))
        return made[-1]

    yield make
    for stack in made:
        stack.close()


class Reader:
    """What a middleware may put in the input's place: PEP 3333 asks for no `close`."""

    def __init__(self, inner: BytesIO) -> None:
        self.read = inner.read


async def test_b052_an_app_may_put_another_input_in_the_place_of_ours(
    served: Callable[[Any], WSGIStack],
) -> None:
    inputs = []

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        inputs.append(environ["wsgi.input"])
        environ["wsgi.input"] = Reader(inputs[-1])
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    stack = served(app)
    assert [(await Client(stack).ask()).body for _ in range(3)] == [b"ok"] * 3
    assert [one.closed for one in inputs[:2]] == [True, True]


class Raising:
    """A WSGI app, its answer, and the answer's `close`, of which one raises."""

    def __init__(self, error: type[BaseException], place: str) -> None:
        self._error, self._place = error, place

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> "Raising":
        self._raise_in("view")
        start_response("200 OK", [("Content-Length", "2")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        self._raise_in("iterable")
        return iter([b"ok"])

    def close(self) -> None:
        self._raise_in("close")

    def _raise_in(self, place: str) -> None:
        if place == self._place:
            raise self._error


ERRORS = [GeneratorExit, asyncio.CancelledError, KeyboardInterrupt, SystemExit, MemoryError]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("place", "status"), [("view", 500), ("iterable", 500), ("close", 200)])
async def test_b055_b126_no_error_of_an_app_costs_a_thread(
    served: Callable[[Any], WSGIStack], error: type[BaseException], place: str, status: int
) -> None:
    stack = served(Raising(error, place))
    for _ in range(3):
        client = Client(stack)
        with suppress(RuntimeError, MemoryError):  # for the server's log
            await client.ask()
        assert client.status == status
