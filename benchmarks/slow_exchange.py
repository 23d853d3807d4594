"""An exchange that is as far away as a real one, for services on a loop and for threads."""

import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
Call = Callable[..., Coroutine[Any, Any, object]]


@dataclass
class Slow:
    """An exchange port, but each call takes `latency` seconds more, inside `at_once`."""

    exchange: object
    latency: float
    at_once: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)

    def __getattr__(self, name: str) -> Call:
        call: Call = getattr(self.exchange, name)

        async def slow(*args: object) -> object:
            async with self.at_once:
                await anyio.sleep(self.latency)
            return await call(*args)

        return slow


@dataclass
class SlowInThread:
    """As `Slow`, but each call holds up its thread, as a client without asyncio does."""

    exchange: object
    latency: float

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Call = getattr(self.exchange, name)

        def slow(*args: object) -> object:
            time.sleep(self.latency)
            return finished(call(*args))

        return slow


@dataclass
class Remembering:
    """An exchange port that is asked each question once: what an exchange computes is not our cost."""

    exchange: object
    answers: dict[tuple[object, ...], object] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Call:
        call: Call = getattr(self.exchange, name)

        async def remembered(*args: object) -> object:
            question = (name, *args)
            if question not in self.answers:
                self.answers[question] = await call(*args)
            return self.answers[question]

        return remembered


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that waits for nothing; RuntimeError if it does wait."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError(f"it waits, and needs a loop: {work}")
