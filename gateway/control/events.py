"""Server-sent events: every open dashboard and `curl -N` hears of a new plan version at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import anyio
import structlog
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from gateway.control.problems import ApiProblem
from gateway.errors import BanyanError
from gateway.store.opening import Store
from gateway.store.signal import signal_of
from gateway.store.versions import Entry

SUBSCRIBERS: Final = 100
_WAITING: Final = 100  # versions for one subscriber; a slower one is closed and comes again
_POLL: Final = 1.0  # seconds
_MISSED: Final = 100  # versions that a subscriber who comes again is told
_log = structlog.get_logger()


@dataclass(slots=True)
class Events:
    """New plan versions of one store, for any number of subscribers up to SUBSCRIBERS."""

    store: Store
    _subscribers: set[MemoryObjectSendStream[Entry]] = field(default_factory=set)
    _told: int = 0  # the newest version that everybody has

    async def run(self) -> None:
        """Follows the store until cancelled."""
        signal = signal_of(self.store.database)
        try:
            while True:
                try:
                    await to_thread.run_sync(signal.wait, _POLL, abandon_on_cancel=True)
                    await self._tell()
                except Exception as error:  # a bug of ours must not end the control plane
                    bug = None if isinstance(error, BanyanError) else error
                    _log.warning("events.interrupted", error=str(error), exc_info=bug)
                    await anyio.sleep(_POLL)
        finally:
            signal.close()

    async def subscribe(self, after: int | None) -> "Subscription":
        """Versions newer than `after`, or the newest, then new ones as they come.

        Raises ApiProblem 503 if there are too many subscribers.
        """
        if len(self._subscribers) >= SUBSCRIBERS:
            detail = f"{SUBSCRIBERS} readers of events are connected; try again later"
            raise ApiProblem(503, "too_many_readers", detail, headers={"Retry-After": "10"})
        send, receive = anyio.create_memory_object_stream[Entry](_WAITING)
        self._subscribers.add(send)
        try:
            missed, known = await self._missed(after)
        except BaseException:  # a store that is away, a reader who is gone: its place is free again
            self._forget(send)
            receive.close()
            raise
        return Subscription(missed, receive, known, lambda: self._forget(send))

    def end(self) -> None:
        """Every stream ends: whoever reads one would hold the server up."""
        for subscriber in list(self._subscribers):
            self._forget(subscriber)

    def _forget(self, subscriber: MemoryObjectSendStream[Entry]) -> None:
        self._subscribers.discard(subscriber)
        subscriber.close()

    async def _missed(self, after: int | None) -> tuple[list[Entry], int]:
        """What to tell first, and what is known already: nothing, if it is of a store that was lost."""
        limit = 1 if after is None else _MISSED
        found = await to_thread.run_sync(self.store.versions.history, limit)
        if after is None or not found or after > found[0].version:
            return found[:1], 0
        return [one for one in reversed(found) if one.version > after], after

    async def _tell(self) -> None:
        newest = await to_thread.run_sync(self.store.versions.newest, abandon_on_cancel=True)
        if newest == self._told:
            return
        versions = await to_thread.run_sync(
            self.store.versions.history, _MISSED, abandon_on_cancel=True
        )
        first, self._told = self._told, newest
        for version in reversed(versions):
            if version.version > first:
                self._give(version)

    def _give(self, version: Entry) -> None:
        for subscriber in list(self._subscribers):
            try:
                subscriber.send_nowait(version)
            except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                self._forget(subscriber)


@dataclass(slots=True)
class Subscription:
    """One subscriber's versions, each once and in order."""

    missed: list[Entry]
    receive: MemoryObjectReceiveStream[Entry]
    last: int
    leave: Callable[[], None]

    async def next(self, patience: float) -> Entry | None:
        """The next version, or None if there is none within `patience` seconds.

        Raises anyio.EndOfStream where the subscriber was too slow: it comes again for what it missed.
        """
        with anyio.move_on_after(patience):
            while True:
                version = self.missed.pop(0) if self.missed else await self.receive.receive()
                if version.version > self.last:
                    self.last = version.version
                    return version
        return None

    def close(self) -> None:
        self.leave()
        self.receive.close()
