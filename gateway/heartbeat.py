"""What a worker tells the store about itself, once a second; a store that is away costs nothing but that."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b, sha256
from multiprocessing import parent_process
from secrets import token_hex
from socket import gethostname
from typing import Final

import anyio
import structlog

from gateway.aside import aside
from gateway.endpoints import Inventory
from gateway.errors import BanyanError
from gateway.inventory import inventory_as
from gateway.observe.recent import Recent
from gateway.observe.traffic import Traffic
from gateway.plan.watch import PlanWatch
from gateway.store.workers import Beat, Workers

INTERVAL: Final = 1.0  # seconds
_RECENT_EVERY: Final = 5  # beats
_SMALL: Final = 8192  # characters of a sample that go with every beat
_log = structlog.get_logger()


def fingerprint(secret: bytes) -> str:
    """Tells two secrets apart and gives neither away: 64 bits of keyed BLAKE2b (RFC 7693)."""
    return blake2b(b"fingerprint", digest_size=8, key=blake2b(secret).digest()).hexdigest()


@dataclass(slots=True)
class Heartbeat:
    """One worker's."""

    workers: Workers
    watch: PlanWatch
    inventory: Callable[[], Inventory]
    secret: str  # its fingerprint
    traffic: Traffic
    recent: Recent
    breakers: Callable[[], object] = dict  # those that are not closed, as JSON
    _name: str = ""
    _known: str = ""  # digest of the inventory that the store has
    _told: Inventory | None = None  # whose digest that is
    _first: bool = True
    _silent: bool = False  # the store did not take the last one
    _count: int = -1
    _small: bool = True  # the last sample of clients was

    async def run(self) -> None:
        """Beats until cancelled; `ended` is for the end."""
        while True:
            await self.beat()
            await anyio.sleep(INTERVAL)

    async def beat(self, *, ended: bool = False) -> None:
        """One heartbeat; never fails."""
        self._count += 1
        try:
            self.recent.tick()
            traffic = self.traffic.document()
            heard = await aside(self._beat, ended, traffic)
        except Exception as error:  # a bug of ours must not end the data plane
            if not self._silent:
                bug = None if isinstance(error, BanyanError) else error
                _log.error("heartbeat.failed", error=str(error), exc_info=bug)
            self._silent, self._known = True, ""
        else:
            self._silent = self._first = False
            if not heard:
                self._begin_anew()  # given up while we were paused: what we counted is folded up

    def __post_init__(self) -> None:
        self._name = _new_name()

    def _begin_anew(self) -> None:
        self.traffic.clear()
        self._name, self._first, self._known = _new_name(), True, ""

    def _beat(self, ended: bool, traffic: object) -> bool:
        self._tell(self.inventory())
        beat = Beat(
            id=self._name,
            host=gethostname(),
            launch=_launch(),
            pid=os.getpid(),
            version=self.watch.version,
            listening=self.watch.listening,
            secret=self.secret,
            inventory=self._known,
            problems=json.dumps(self.watch.problems),
            traffic=json.dumps(traffic),
            recent=self._recent(),
            breakers=json.dumps(self.breakers()),
            ended=ended,
        )
        return self.workers.beat(beat, first=self._first)

    def _tell(self, inventory: Inventory) -> None:
        """What is the same object is the same: to write 10 000 routes down takes 50 ms."""
        if self._known and inventory is self._told:
            return
        document = inventory_as(inventory)
        digest = sha256(document.encode()).hexdigest()
        if digest != self._known:
            self.workers.keep_inventory(digest, document)
        self._known, self._told = digest, inventory

    def _recent(self) -> str | None:
        """Where it is large, every few beats: of who was seen in half an hour little changes."""
        if not (self._first or self._small or self._count % _RECENT_EVERY == 0):
            return None
        document = json.dumps(self.recent.document())
        self._small = len(document) < _SMALL
        return document


def _new_name() -> str:
    return f"{gethostname()}:{os.getpid()}:{token_hex(4)}"


def _launch() -> str:
    """Workers of one supervisor share it: what one of them counted stays when another replaces it."""
    supervisor = parent_process()
    return f"{gethostname()}:{supervisor.pid if supervisor else os.getpid()}"
