"""What the gateway counts as requests, the stack sees as requests: as many, the same, and no others."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn

from gateway.stacks.remote.failure import StackCut
from tests.gateway.bridge import until
from tests.remote.fakes import OK, Wire, raw, remote
from tests.remote.shapes import shapes

_NUMBER = re.compile(rb"\r\nx-number: (\d+)\r\n")
_PATIENCE = 2.0  # seconds; a front that waits for more bytes of a broken request waits for ever


class Counting:
    """Numbers each request that the server hands over, and notes how it was answered and what its body was."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.statuses: dict[int, int] = {}
        self.bodies: dict[int, bytes] = {}
        self.running = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        number = len(self.statuses)
        self.statuses[number], self.bodies[number] = 0, b""
        scope["headers"] = [*scope["headers"], (b"x-number", b"%d" % number)]

        async def noting_receive() -> Any:
            message = await receive()
            self.bodies[number] += message.get("body", b"")
            return message

        async def noting_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.statuses[number] = message["status"]
            await send(message)

        self.running += 1
        try:
            await self._app(scope, noting_receive, noting_send)
        except (StackCut, RuntimeError):
            pass  # uvloop raises RuntimeError where the client has closed
        finally:
            self.running -= 1


async def test_b015_the_stack_sees_the_requests_that_the_gateway_counts_and_no_others() -> None:
    corpus = list(shapes())
    assert len(set(corpus)) >= 200
    seen: dict[int, bytes] = {}

    async def talk(wire: Wire) -> None:
        while True:
            head = await wire.head()
            number = _NUMBER.search(head)
            body = await wire.body(head)
            seen[int(number[1]) if number else -1] = body
            await wire.say(OK.replace(b"\r\nok", b"\r\n") if head.startswith(b"HEAD") else OK)

    async with raw(talk) as stack, remote(stack) as app:
        counting = Counting(app)
        async with served(counting) as port:
            await asyncio.gather(*(play(port, shape) for shape in corpus))
            await until(lambda: not counting.running)
        numbers = [int(found) for head in stack.heads for found in _NUMBER.findall(head)]
    assert len(numbers) == len(set(numbers)) == len(stack.heads)
    assert counting.statuses.keys() >= set(numbers)
    answered = {number for number, status in counting.statuses.items() if status == 200}
    assert answered <= seen.keys()
    assert {number: counting.bodies[number] for number in seen} == seen
    asked = {n for n, status in counting.statuses.items() if status not in {0, 400, 501}}
    assert asked == answered
    assert len(answered) > 100  # it did ask something


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """A server in front, on a free port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        task = asyncio.ensure_future(server._serve([listener]))
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = server.force_exit = True
            await task


async def play(port: int, shape: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(_PATIENCE):
            writer.write(shape)
            await reader.read()
            while not reader.at_eof():
                await reader.read(65536)
    writer.close()
