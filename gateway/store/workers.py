"""The data planes' heartbeats: who runs, on which version, and what each has seen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from gateway.store.database import Database
from gateway.store.tables import INVENTORIES, TRAFFIC, WORKERS
from gateway.store.transaction import Turn, take_turn

ALIVE: Final = 10.0  # seconds since the last heartbeat
RETIRED: Final = 60.0  # seconds after which a start whose workers have all ended is folded up
KEPT: Final = (
    3600.0  # seconds the figures of one worker that was replaced stay beside its successor's
)


@dataclass(frozen=True, slots=True)
class Beat:
    """What a worker says about itself each second."""

    id: str
    host: str
    launch: str  # what its sisters were started with
    pid: int
    version: int  # of the plan it runs; 0: none
    listening: bool  # it hears of a new version at once, not only when it looks
    secret: str  # fingerprint of BANYAN_SECRET: hosts that differ assign clients differently
    inventory: str  # digest of what its stacks serve
    problems: str  # JSON: list of strings
    traffic: str  # JSON, see gateway.observe.seen
    recent: str | None  # JSON, see gateway.observe.recent; None: as before
    breakers: str = "{}"  # JSON: those that are not closed, by route
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as the store knows it."""

    id: str
    host: str
    launch: str
    pid: int
    started: float  # seconds since 1970
    age: float  # seconds since its last heartbeat
    alive: bool
    version: int
    listening: bool
    secret: str
    inventory: str
    problems: str
    traffic: str
    recent: str
    breakers: str


_ITS_ROW: Final = sa.update(WORKERS).where(WORKERS.c.id == sa.bindparam("its"))  # made once: 0.6 ms


@dataclass(frozen=True, slots=True)
class Past:
    """What workers that have ended have answered."""

    route: str
    stack: str
    requests: int
    last: float  # seconds since 1970


class Workers:
    """The workers of one store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unused: set[str] = set()  # inventories that nobody had when we last tidied up

    def beat(self, beat: Beat, *, first: bool) -> bool:
        """Writes a heartbeat. False if the worker was given up meanwhile: what it counted is folded up."""
        values = {name: getattr(beat, name) for name in Beat.__slots__}
        if beat.recent is None:
            del values["recent"]
        with self._database.writing() as connection:
            values["seen"] = self._database.now(connection)
            if connection.execute(_ITS_ROW, {**values, "its": beat.id}).rowcount:
                return True
            if first:
                row = {"recent": "{}", **values, "started": values["seen"]}
                connection.execute(sa.insert(WORKERS).values(row))
            return first

    def all(self) -> list[Worker]:
        """Every worker that is not folded up, the living first, by host and age."""
        with self._database.reading() as connection:
            now = self._database.now(connection)
            rows = connection.execute(
                sa.select(WORKERS).order_by(WORKERS.c.host, WORKERS.c.started)
            )
            found = [_worker(row, now) for row in rows]
        return sorted(found, key=lambda worker: not worker.alive)

    def past(self) -> list[Past]:
        """The traffic of workers that are folded up."""
        with self._database.reading() as connection:
            return [Past(*row) for row in connection.execute(sa.select(TRAFFIC))]

    def retire(self, counted: Callable[[str], Iterable[Past]]) -> int:
        """Folds up workers that are gone for good, and says how many; `counted` reads their traffic."""
        with self._database.writing() as connection:
            take_turn(connection, Turn.WORKERS)  # two would add the same figures twice
            now = self._database.now(connection)
            rows = connection.execute(sa.select(WORKERS)).all()
            gone = [
                worker
                for worker in _gone([_worker(row, now) for row in rows])
                if _removed(connection, worker, now)
            ]
            for worker in gone:
                for past in counted(worker.traffic):
                    _add_up(connection, past)
            self._forget_inventories(connection)
        return len(gone)

    def _forget_inventories(self, connection: sa.Connection) -> None:
        """Those that no worker has, at the second look: a worker stores its own before it first beats.

        The newest stays, for the time when nobody runs.
        """
        if not connection.execute(sa.select(sa.func.count()).select_from(WORKERS)).scalar_one():
            return
        here = INVENTORIES.c.digest
        unused = here.not_in(sa.select(WORKERS.c.inventory))
        found = set(connection.execute(sa.select(here).where(unused)).scalars())
        connection.execute(sa.delete(INVENTORIES).where(unused, here.in_(found & self._unused)))
        self._unused = found

    def keep_inventory(self, digest: str, document: str) -> None:
        """Stores what stacks serve, once for all workers that serve it."""
        known = sa.select(INVENTORIES.c.digest).where(INVENTORIES.c.digest == digest)
        try:
            with self._database.writing() as connection:
                if connection.execute(known).first() is None:
                    row = {"digest": digest, "document": document}
                    connection.execute(sa.insert(INVENTORIES).values(row))
        except sa.exc.IntegrityError:
            return  # another worker was faster

    def inventories(self, workers: Iterable[Worker]) -> list[str]:
        """What the workers' stacks serve, each distinct document once."""
        digests = list(dict.fromkeys(worker.inventory for worker in workers))
        query = sa.select(INVENTORIES).where(INVENTORIES.c.digest.in_(digests))
        with self._database.reading() as connection:
            found = {row.digest: row.document for row in connection.execute(query)}
        return [found[digest] for digest in digests if digest in found]


def _worker(row: sa.Row[tuple[object, ...]], now: float) -> Worker:
    values = dict(row._mapping)  # noqa: SLF001 (the public name of a row's columns)
    age = max(0.0, now - values.pop("seen"))
    ended = values.pop("ended")
    return Worker(age=age, alive=not ended and age < ALIVE, **values)


def _gone(workers: list[Worker]) -> list[Worker]:
    """Whole starts that have ended, and single workers that were replaced long ago."""
    youngest: dict[str, float] = {}
    running = {worker.launch for worker in workers if worker.alive}
    for worker in workers:
        youngest[worker.launch] = min(worker.age, youngest.get(worker.launch, worker.age))
    return [
        worker
        for worker in workers
        if not worker.alive
        and (
            worker.age > KEPT
            or (worker.launch not in running and youngest[worker.launch] > RETIRED)
        )
    ]


def _removed(connection: sa.Connection, worker: Worker, now: float) -> bool:
    """False for one that has beaten since it was read."""
    silent = sa.and_(WORKERS.c.id == worker.id, WORKERS.c.seen < now - RETIRED)
    return bool(connection.execute(sa.delete(WORKERS).where(silent)).rowcount)


def _add_up(connection: sa.Connection, past: Past) -> None:
    here = sa.and_(TRAFFIC.c.route == past.route, TRAFFIC.c.stack == past.stack)
    known = connection.execute(sa.select(TRAFFIC.c.requests, TRAFFIC.c.last).where(here)).first()
    if known is None:
        connection.execute(
            sa.insert(TRAFFIC).values(
                route=past.route, stack=past.stack, requests=past.requests, last=past.last
            )
        )
        return
    total, last = known.requests + past.requests, max(known.last, past.last)
    connection.execute(sa.update(TRAFFIC).where(here).values(requests=total, last=last))
