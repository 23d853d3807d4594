"""The one owner of an API key: its nonces, its turns, its calls per minute.

An exchange refuses a nonce that is not above the last one *that arrived*. Increasing numbers are
not enough for that: the calls of one key have to leave one after the other, whatever process they
come from. A turn is both, the nonce and the time to send it in.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import Final
from uuid import uuid4

import anyio

from shared_services.clock import Clock
from shared_services.nonces import turns
from shared_services.nonces.turns import LEASE_MS, Asker, Budget
from shared_services.storage import Store
from shared_services.storage.errors import StoreUnavailable

RENEW_EVERY: Final = LEASE_MS / 3000  # seconds; whoever lives gets three tries
SHORTEST_PAUSE: Final = 0.001  # seconds between two tries
LONGEST_PAUSE: Final = 0.25
PATIENCE: Final = 0.25  # of the time waited: what a pause may add to it

_SHOWN: Final = 4  # characters of a key that may be told
_HASHED: Final = 16  # hexadecimal digits


class Unit(StrEnum):
    """What a nonce counts. A key that was ever used with the finer one never works with the other.

    Unless the mark of the finer one is known: nonces then go on from there.
    """

    MILLISECONDS = "ms"
    MICROSECONDS = "us"

    def since_1970(self, now_ms: int) -> int:
        return now_ms * (1000 if self is Unit.MICROSECONDS else 1)


class NonceOwner:
    """One per key and event loop. `budget` and `unit` must be the same in every process."""

    def __init__(self, store: Store, clock: Clock, key: str, *, budget: Budget, unit: Unit) -> None:
        self._store = store
        self._clock = clock
        self._budget = budget
        self._unit = unit
        self._key_id, self._shown = key_id(key), shown(key)
        self._name = uuid4().hex
        self._lock = anyio.Lock()
        self._waiting = 0

    @property
    def queue_size(self) -> int:
        """How many wait for their turn in this process."""
        return self._waiting

    async def next(self) -> int:
        """A nonce above every other of the key; other calls may still arrive before it."""
        async with self.turn() as nonce:
            return nonce

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[int]:
        """The nonce for one call, which nothing overtakes that is sent within the block.

        Waits without end: the caller sets the deadline. Raises StoreUnavailable.
        """
        nonce = await self._wait()
        try:
            async with self._kept():
                yield nonce
        finally:
            await self._give_back()

    async def _wait(self) -> int:
        self._waiting += 1
        try:
            await self._lock.acquire()
            try:
                return await self._take()
            except BaseException:
                await self._give_back()
                raise
        finally:
            self._waiting -= 1

    async def _take(self) -> int:
        began = anyio.current_time()
        while True:
            answer = await self._store.transaction(turns.take, self._asker(), self._budget)
            if answer.nonce is not None:
                return answer.nonce
            await anyio.sleep(max(answer.wait_ms / 1000, _pause(anyio.current_time() - began)))

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[None]:
        """Keep the turn while the block runs; what the block raises comes out as it is."""
        raised: Exception | None = None
        async with anyio.create_task_group() as keeping:
            keeping.start_soon(self._keep)
            try:
                yield
            except Exception as error:
                raised = error
            keeping.cancel_scope.cancel()
        if raised is not None:
            raise raised

    async def _keep(self) -> None:
        while True:
            await anyio.sleep(RENEW_EVERY)
            with suppress(StoreUnavailable):
                await self._store.transaction(turns.keep, self._asker())

    async def _give_back(self) -> None:
        """What cannot be given back now expires by itself."""
        try:
            with anyio.CancelScope(shield=True), suppress(StoreUnavailable):
                await self._store.transaction(turns.give_back, self._key_id, self._name)
        finally:
            self._lock.release()

    def _asker(self) -> Asker:
        now = self._clock.now_ms()
        return Asker(self._key_id, self._shown, self._name, now, self._unit.since_1970(now))


def key_id(key: str) -> str:
    """What a key is kept under; no key can be told from it."""
    return hashlib.sha256(b"nonces:" + key.encode()).hexdigest()[:_HASHED]


def shown(key: str) -> str:
    """What may be told of a key: the last four characters, unless that is half of it."""
    return f"***{key[-_SHOWN:]}" if len(key) >= 2 * _SHOWN else "***"


def _pause(waited: float) -> float:
    """Short while the turn may come any moment, long for who waits long: that costs nothing."""
    return min(max(SHORTEST_PAUSE, PATIENCE * waited), LONGEST_PAUSE)
