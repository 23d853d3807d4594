"""The stacks of this process: imported, started, and known by what they serve."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any, Self

import structlog
from anyio import to_thread
from anyio.from_thread import BlockingPortal

from gateway import collector
from gateway.endpoints import Inventory, Told
from gateway.inventory import read_inventory, told_by, told_from, write_inventory
from gateway.messages import App
from gateway.settings import Settings
from gateway.stacks.address import Remote, Spawned, StackNotFound
from gateway.stacks.asgi import InProcess, head_as_get
from gateway.stacks.lifespan import lifespan
from gateway.stacks.load import is_asgi, load
from gateway.stacks.portal import portal
from gateway.stacks.remote.stack import process_stack, remote_stack
from gateway.stacks.wsgi.bridges import wsgi_stack
from gateway.words import Stack

_log = structlog.get_logger()

Loader = Callable[[], Any]


class StackHost:
    """Loads modern when it is opened and legacy when a plan first needs it.

    In `phase: full` no plan needs legacy: it is not even imported, and what it served is read from
    the inventory that an earlier start wrote.
    """

    def __init__(self, settings: Settings, legacy: Loader | None, modern: Loader | None) -> None:
        self._settings = settings
        self._loaders = {Stack.LEGACY: legacy, Stack.MODERN: modern}
        self._exit = AsyncExitStack()
        self._state: dict[str, Any] = {}
        self._portal: BlockingPortal
        self._queues: dict[Stack, Callable[[], int]] = {}  # requests that wait for a thread
        self.apps: dict[Stack, App] = {}
        self.for_shadows: dict[Stack, App] = {}  # the same, where need be in threads of their own
        self.inventory = Inventory()
        self.elsewhere: set[Stack] = set()  # stacks that hear nothing but HTTP

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Starts modern; stops everything at the end, what was started last first.

        Raises StackNotFound and StackStartFailed.
        """
        async with self._exit:
            self._exit.callback(collector.take_turns, sys.getswitchinterval())
            collector.take_turns(self._settings.switch_interval)
            self._portal = await self._exit.enter_async_context(portal())
            self.inventory = await to_thread.run_sync(self._stored_inventory)
            await self._load(Stack.MODERN)
            yield self

    async def need(self, stack: Stack) -> None:
        """Loads a stack that is not there yet, if the settings name one."""
        if stack not in self.apps:
            await self._load(stack)

    def waiting(self) -> dict[Stack, int]:
        """Requests that wait for a thread, of the stacks that are called in this process."""
        return {stack: queue() for stack, queue in self._queues.items()}

    async def _load(self, stack: Stack) -> None:
        loader = self._loaders[stack]
        if loader is None:
            return
        app = await to_thread.run_sync(loader)
        started, told = await self._start(stack, app)
        told = await self._known(stack, told)
        mended = stack is Stack.MODERN and "methods" not in told.kit
        self.apps[stack] = head_as_get(started) if mended else started
        shadowed = self.for_shadows.get(stack, started)
        self.for_shadows[stack] = head_as_get(shadowed) if mended else shadowed
        self.inventory = _replaced(self.inventory, stack, told)
        stored = await to_thread.run_sync(self._stored_inventory)
        if self.inventory != stored or not self._settings.inventory_path.exists():
            await self._store_inventory()

    async def _start(self, stack: Stack, app: Any) -> tuple[App, Told]:
        """The app or the address as a stack, and what it tells about itself."""
        enter = self._exit.enter_async_context
        if isinstance(app, Remote):
            self.elsewhere.add(stack)
            return await enter(remote_stack(app, stack, self._settings))
        if isinstance(app, Spawned):
            return await enter(process_stack(app, stack, self._settings))
        if not is_asgi(app):
            bridge = wsgi_stack(app, self._settings, self._portal, self._state)
            beside = wsgi_stack(app, self._of_shadows(), self._portal, self._state)
            self.for_shadows[stack] = beside
            for one in (bridge, beside):
                self._exit.callback(one.close)
            self._queues[stack] = bridge.waiting
            return bridge, told_by(app)
        state = await enter(lifespan(app))
        if stack is Stack.MODERN:
            self._state.update(state)
        threads = to_thread.current_default_thread_limiter()
        self._queues[stack] = lambda: threads.statistics().tasks_waiting
        return InProcess(app, state), told_by(app)

    def _of_shadows(self) -> Settings:
        """They wait for no thread longer than for an answer."""
        settings = self._settings
        threads, wait = settings.shadow_threads, settings.shadow_deadline
        return settings.model_copy(update={"wsgi_threads": threads, "wsgi_wait": wait})

    async def _known(self, stack: Stack, told: Told) -> Told:
        """What a stack tells, or what was exported for one that is silent."""
        if told.served is not None:
            return told
        return await to_thread.run_sync(exported, self._settings, stack) or told

    async def _store_inventory(self) -> None:
        try:
            path = self._settings.inventory_path
            await to_thread.run_sync(write_inventory, path, self.inventory)
        except OSError as error:  # commands and `phase: full` miss it; clients do not
            _log.error("inventory.not_kept", error=str(error))

    def _stored_inventory(self) -> Inventory:
        """What the last start saw, of the stacks that the settings still name; else what was exported."""
        stored = read_inventory(self._settings.inventory_path) or Inventory(None, None)
        for stack, loader in self._loaders.items():
            told = exported(self._settings, stack)
            if loader is None:
                stored = _replaced(stored, stack, replace(told or Told(()), served=()))
            elif told is not None and getattr(stored, stack) is None:
                stored = _replaced(stored, stack, told)
        return stored


def loader(setting: str, value: str | None) -> Loader | None:
    """Loads what a setting names, when called; None when the setting names nothing."""
    return None if value is None else lambda: load(setting, value)


def exported(settings: Settings, stack: Stack) -> Told | None:
    """What a file of `banyan routes export` tells for a stack that does not tell itself.

    Raises StackNotFound if the settings name a file that cannot be read.
    """
    path = settings.legacy_routes if stack is Stack.LEGACY else settings.modern_routes
    if path is None:
        return None
    try:
        return told_from(path.read_bytes())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file of `banyan routes export`"
        raise StackNotFound(f"BANYAN_{stack.upper()}_ROUTES: {path}: {why}") from error


def _replaced(inventory: Inventory, stack: Stack, told: Told) -> Inventory:
    if stack is Stack.LEGACY:
        return inventory.with_legacy(told)
    return inventory.with_modern(told)
