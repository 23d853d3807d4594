"""Several questions at once."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeVar, cast

import anyio

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")

AT_ONCE: Final = 16  # calls of one request that may be under way: its list may be long


async def together(works: Sequence[Callable[[], Awaitable[T]]], at_once: int = AT_ONCE) -> list[T]:
    """What each of `works` returns, in their order.

    The first failure ends the others and comes out as it is, not as a group.
    """
    results: dict[int, T] = {}
    limiter = anyio.CapacityLimiter(at_once)

    async def run(number: int, work: Callable[[], Awaitable[T]]) -> None:
        async with limiter:
            results[number] = await work()

    try:
        async with anyio.create_task_group() as group:
            for number, work in enumerate(works):
                group.start_soon(partial(run, number, work))
    except ExceptionGroup as failures:
        raise _first(failures) from failures
    return [results[number] for number in range(len(works))]


async def two_together(
    first: Callable[[], Awaitable[A]], second: Callable[[], Awaitable[B]]
) -> tuple[A, B]:
    """As `together`, for two that return different things."""
    works: list[Callable[[], Awaitable[object]]] = [first, second]
    return cast("tuple[A, B]", tuple(await together(works)))


async def three_together(
    first: Callable[[], Awaitable[A]],
    second: Callable[[], Awaitable[B]],
    third: Callable[[], Awaitable[C]],
) -> tuple[A, B, C]:
    """As `two_together`, for three."""
    works: list[Callable[[], Awaitable[object]]] = [first, second, third]
    return cast("tuple[A, B, C]", tuple(await together(works)))


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    failure: Exception = failures
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    return failure
