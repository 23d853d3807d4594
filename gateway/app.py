"""The composition root of the data plane: stacks, plan, observers and their lives.

Started: portal → modern (its lifespan) → plan, and with it legacy unless the phase is full → watch.
Stopped in the reverse order, after the server has drained.
"""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from multiprocessing import parent_process
from time import perf_counter
from typing import Final, NamedTuple

import anyio
import structlog

from gateway import collector
from gateway.aside import aside
from gateway.breakers import Breakers
from gateway.dispatch import Dispatch
from gateway.door.keeper import Doorkeeper
from gateway.edge.hygiene import check
from gateway.edge.refusals import refuse
from gateway.edge.scope import MARK
from gateway.edge.settings import limits_of
from gateway.errors import BanyanError
from gateway.exchange import Observer
from gateway.head import Header, HeadReader, clean
from gateway.heartbeat import Heartbeat, fingerprint
from gateway.judge.bars import bars_of
from gateway.messages import App, Receive, Scope, Send
from gateway.observe import metrics
from gateway.observe.access_log import open_access_log
from gateway.observe.batches import Batches
from gateway.observe.evidence import Evidence
from gateway.observe.lag import LoopWatch
from gateway.observe.recent import Recent
from gateway.observe.traffic import Traffic
from gateway.override import Overrides
from gateway.plan.compile import compile_plan
from gateway.plan.desk import PlanDesk
from gateway.plan.document import Document, PlanRefused, Problem
from gateway.plan.door import FileDoor
from gateway.plan.file import FileBase, LastGood
from gateway.plan.first import write_first_plan
from gateway.plan.model import Plan
from gateway.plan.switch import HostSwitch
from gateway.plan.watch import Host, PlanWatch
from gateway.routing import RouteTable
from gateway.settings import Settings
from gateway.shadow.live import Shadows
from gateway.shadow.marker import Marker
from gateway.stacks.host import Loader, StackHost, loader
from gateway.store.opening import open_store
from gateway.store.signal import signal_of
from gateway.turn import ActivePlan
from gateway.witness import Witness
from gateway.words import UNMATCHED, Phase, Stack

_TICK: Final = 1.0  # seconds between flushes of the access log and updates of gauges
_LAST_BEAT: Final = 1.0  # seconds; a store that hangs must not cost the apps their end
_log = structlog.get_logger()


class Gateway:
    """The data plane of one process, as an ASGI app."""

    def __init__(self, settings: Settings, legacy: Loader | None, modern: Loader | None) -> None:
        self._settings = settings
        self._limits = limits_of(settings)
        self._secret = settings.secret_bytes()
        self._host = StackHost(settings, legacy, modern)
        self._access_log = open_access_log(settings.access_log)
        self._batches = Batches(_not_counted)
        metrics.Metrics(self._batches)
        self._traffic, self._recent = Traffic(self._batches), Recent(batches=self._batches)
        self._lag = LoopWatch()
        self._store = open_store(settings.store_url)
        breakers = Breakers()
        self._evidence = Evidence(lambda: self._lag.late, batches=self._batches)
        self._witness = Witness(self._evidence, self._store)
        breakers.told = self._witness.breaker_turned
        observers: list[Observer] = [self._batches]
        if self._access_log is not None:
            observers.append(self._access_log)
        self._shadows = Shadows(
            settings,
            Marker(self._secret),
            self._host.for_shadows,
            self._evidence.saw_shadow,
        )
        overrides = Overrides(self._secret)
        self.dispatch = Dispatch(observers, overrides, settings, breakers, self._shadows)
        self._tables: list[RouteTable] = []  # of the plan in force
        self._lag.attribute(self.dispatch.who_runs, self._evidence.saw_lag)
        self.watch = self._watch()
        self._heartbeat = Heartbeat(
            self._store.workers,
            self.watch,
            lambda: self._host.inventory,
            fingerprint(self._secret),
            self._traffic,
            self._recent,
            breakers.document,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if MARK not in (scope.get("extensions") or ()):  # another server is in front
                scope["headers"] = _pairs(scope)
                refused = check(scope, self._limits)
                if refused is not None:
                    await refuse(scope, send, refused)
                    return
            await self.dispatch(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._lifespan(receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that lives as long as the server does.

        Raises StackNotFound, StackStartFailed and PlanRefused.
        """
        async with self.loaded(), anyio.create_task_group() as tasks:
            tasks.start_soon(self.watch.run)
            tasks.start_soon(self._heartbeat.run)
            tasks.start_soon(self._tick)
            tasks.start_soon(self._cancel_overdue)
            tasks.start_soon(self._lag.run)
            tasks.start_soon(self._witness.run)
            tasks.start_soon(self._shadows.run)
            metrics.READY.set(1)
            try:
                yield
            finally:
                metrics.READY.set(0)
                tasks.cancel_scope.cancel()
        self.publish()
        if self._access_log is not None:
            self._access_log.close()
        with anyio.move_on_after(_LAST_BEAT):
            await self._witness.tell()
            await self._heartbeat.beat(ended=True)
        self._store.close()

    @asynccontextmanager
    async def loaded(self) -> AsyncIterator[None]:
        """Stacks and plan alone: requests are answered, and nothing happens by the clock."""
        async with self._host.open():
            if self._settings.first_plan:
                await self._write_first_plan()
            await self.watch.start()
            yield

    def _watch(self) -> PlanWatch:
        settings, versions = self._settings, self._store.versions
        bars = partial(bars_of, self._store)
        desk = PlanDesk(versions, settings, lambda: [self._host.inventory], bars)
        door = FileDoor(settings.plan, FileBase(settings.file_base_path, settings.plan), desk)
        host = Host(LastGood(settings.last_good_path), HostSwitch(settings.kill_path))
        return PlanWatch(door, versions, signal_of(self._store.database), host, self._activate)

    async def _write_first_plan(self) -> None:
        plan = self._settings.plan
        if plan.exists():
            return
        await self._host.need(Stack.LEGACY)
        try:
            if write_first_plan(plan, self._host.inventory):
                _log.info("plan.written", file=str(plan))
        except OSError as error:
            raise PlanRefused([Problem(f"{plan} cannot be written: {error.strerror}")]) from error

    async def _activate(self, document: Document, version: int) -> None:
        """Compiles a plan and swaps it in. Raises PlanRefused and then has changed nothing."""
        if document.plan.phase is not Phase.FULL:
            await self._host.need(Stack.LEGACY)
        compiled = await aside(self._compiled, document, version)
        table = compiled.table
        reader = HeadReader(document.plan.unit_sources, self._settings.trusted_proxies)
        self.dispatch.stacks = self._host.apps
        self._evidence.renew(version, compiled.shares)
        self.dispatch.plan = ActivePlan(table, reader, self._door(table))
        self._recent.renew(compiled.made_with)
        metrics.PLAN_VERSION.set(version)
        before, self._tables = self._tables, [table]
        if before:
            await aside(_let_go, before)

    def _compiled(self, document: Document, version: int) -> "_Compiled":
        """Everything of which there is one per route, in a thread: on the loop it would hold requests up."""
        inventory = self._host.inventory
        with collector.making():
            table = compile_plan(document, inventory, version=version, secret=self._secret)
            shares = {route.id: table.share(route) for route in table.routes}
            return _Compiled(table, shares, _made_with(table, document.plan))

    def _door(self, table: RouteTable) -> App | None:
        """Who answers in legacy's place what is no route, if legacy does not."""
        if table.door is None or (table.legacy and table.phase is not Phase.FULL):
            return None
        kit = bool(self._host.inventory.kit) and Stack.MODERN not in self._host.elsewhere
        return Doorkeeper(table, self._host.apps[Stack.MODERN], kit=kit)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self.running():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except BanyanError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Modern's if there is a modern stack; WSGI knows no WebSockets."""
        scope["headers"] = clean(_pairs(scope))
        if Stack.MODERN in self._host.apps:
            await self._host.apps[Stack.MODERN](scope, receive, send)
        elif "websocket.http.response" in scope.get("extensions", {}):
            await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b""})
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "no such WebSocket"})

    async def _tick(self) -> None:
        supervisor = parent_process()
        while True:
            await anyio.sleep(_TICK)
            self.dispatch.budget.tick()
            self.dispatch.breakers.tick()
            self.publish()
            if supervisor is not None and not supervisor.is_alive():
                _log.error("worker.orphaned")  # nobody would replace or stop it: it drains and ends
                signal.raise_signal(signal.SIGTERM)

    async def _cancel_overdue(self) -> None:
        while True:
            tick, before = min(_TICK, self._settings.deadline / 4), perf_counter()
            await anyio.sleep(tick)
            late = perf_counter() - before - tick  # the process was paused, or the loop blocked
            self.dispatch.cancel_overdue(excused=late)

    def publish(self) -> None:
        """What a second has brought, for the metrics and the access log."""
        for stack, count in self.dispatch.in_flight.items():
            metrics.IN_FLIGHT.labels(stack).set(count)
        for stack, count in self._host.waiting().items():
            metrics.THREADS_WAITED_FOR.labels(stack).set(count)
        self._batches.flush()
        if self._access_log is not None:
            self._access_log.flush()


class _Compiled(NamedTuple):
    """A plan as the dispatch and the observers take it; by route."""

    table: RouteTable
    shares: dict[str, int]  # buckets of modern's
    made_with: dict[str, object]  # see `_made_with`


def _pairs(scope: Scope) -> list[Header]:
    """The headers as tuples, which they need not be (ASGI 3.0): a list in a list is for no compiled code."""
    return list(map(tuple, scope["headers"]))


def _not_counted(counter: object) -> None:
    _log.exception("observer.failed", observer=type(counter).__name__)


def _let_go(tables: list[RouteTable]) -> None:
    """Frees them, in a thread."""
    while tables:
        collector.let_go(tables.pop().parts())


def _made_with(table: RouteTable, plan: Plan) -> dict[str, object]:
    """What a client's bucket depends on, by route."""
    units = plan.defaults.unit
    return {
        **{route.id: (route.key, units) for route in table.routes},
        UNMATCHED: (table.key, units),
    }


def create_app(settings: Settings) -> Gateway:
    """The gateway whose stacks the settings name. Nothing is imported before its lifespan."""
    legacy = loader("BANYAN_LEGACY", settings.legacy)
    return Gateway(settings, legacy, loader("BANYAN_MODERN", settings.modern))
