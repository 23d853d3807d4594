"""Runs the lifespan of an app that is not outermost: nobody else would (ASGI lifespan protocol 2.0)."""

from asyncio import Event, Queue, Task, create_task
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from gateway.errors import BanyanError
from gateway.messages import App, Message

_log = structlog.get_logger()


class StackStartFailed(BanyanError):
    """The app's lifespan said that it cannot start, or raised."""

    exit_code = 2


@asynccontextmanager
async def lifespan(app: App) -> AsyncIterator[dict[str, Any]]:
    """Starts `app`, yields its lifespan state, shuts it down.

    An app without a lifespan (it raises on the scope before it asks for an event) is left alone, as
    ASGI servers do. Raises StackStartFailed.
    """
    run = _Run(app)
    task = create_task(run.serve(), name="stack-lifespan")
    await run.started.wait()
    if run.failure is not None:
        await task
        raise StackStartFailed(run.failure)
    try:
        yield run.state
    finally:
        await run.stop(task)


class _Run:
    """One task that owns the lifespan: its context managers are entered and left in the same task."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._events: Queue[Message] = Queue()
        self._asked = False
        self.state: dict[str, Any] = {}
        self.started = Event()
        self.failure: str | None = None

    async def serve(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        self._events.put_nowait({"type": "lifespan.startup"})
        try:
            await self._app({**scope, "state": self.state}, self._receive, self._send)
        except Exception as error:
            if self.started.is_set():
                _log.exception("stack.shutdown_failed")
            elif self._asked:
                _log.exception("stack.start_failed")
                self.failure = f"{type(error).__name__}: {error}"
        finally:
            self.started.set()

    async def stop(self, task: Task[None]) -> None:
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await task

    async def _receive(self) -> Message:
        self._asked = True
        return await self._events.get()

    async def _send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            self.started.set()
        elif message["type"] == "lifespan.startup.failed":
            self.failure = message.get("message") or "lifespan.startup.failed"
        elif message["type"] == "lifespan.shutdown.failed":
            _log.error("stack.shutdown_failed", message=message.get("message", ""))
