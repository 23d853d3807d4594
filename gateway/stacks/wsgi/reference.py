"""The reference to compare our bridge with, and to fall back on: a2wsgi, its traps mended around it.

Chosen by `BANYAN_WSGI_BRIDGE=a2wsgi`. What a2wsgi 1.10.10 does wrong is mended from outside: it is given
a finished body and environ, its cancellation is taken away, its threads are bounded. It crosses between
threads at every part of an answer, which costs it about half of the speed.
"""

from asyncio import CancelledError, Task, create_task, current_task, shield
from collections.abc import Callable, Iterable, Iterator
from threading import Event
from time import perf_counter
from typing import Any, BinaryIO, Final

import anyio
from a2wsgi import WSGIMiddleware
from anyio.from_thread import BlockingPortal

from gateway.messages import Message, Receive, Scope, Send
from gateway.refusal import refuse
from gateway.settings import Settings
from gateway.stacks.wsgi.blame import FAULTS, blamed, hear_flask
from gateway.stacks.wsgi.body import receive_body
from gateway.stacks.wsgi.bridge import WSGIApp
from gateway.stacks.wsgi.environ import Environ, Environs
from gateway.stacks.wsgi.figures import Figures
from gateway.stacks.wsgi.threads import DaemonThreads

StartResponse = Callable[..., Any]
_CALL: Final = "banyan.call"


class ReferenceStack:
    """As WSGIStack, by a2wsgi."""

    def __init__(
        self, app: WSGIApp, settings: Settings, portal: BlockingPortal, state: dict[str, Any]
    ) -> None:
        self._app = app
        self._settings = settings
        extras = {"banyan.portal": portal, "banyan.state": state}
        self._environs = Environs(multiprocess=settings.workers > 1, extras=extras)
        self._bridge = WSGIMiddleware(self._in_thread)  # type: ignore[arg-type]
        self._threads = DaemonThreads(settings.wsgi_threads)
        self._bridge.executor = self._threads  # type: ignore[assignment]
        self._figures = Figures(self.busy)
        hear_flask()
        self._free = anyio.Semaphore(settings.wsgi_threads, fast_acquire=True)
        self._calls: set[Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await receive_body(scope, receive, send, self._settings.body_memory)
        if body is None:
            return
        if await self._thread():
            await self._attend(_Call(scope, body, receive, send))
        else:
            body.close()
            await refuse(send, 503, "All threads are busy", (b"retry-after", b"1"))

    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return self._free.statistics().tasks_waiting

    def busy(self) -> int:
        """Threads that have a request."""
        return self._threads.busy

    def close(self) -> None:
        """Takes no new calls; threads that are stuck in the app are left behind."""
        self._threads.shutdown(wait=False)
        self._figures.close()

    async def _thread(self) -> bool:
        """Waits for a free thread; False when the wait was too long."""
        began = perf_counter()
        self._figures.called()
        with anyio.move_on_after(self._settings.wsgi_wait):
            await self._free.acquire()
            self._figures.waits.append(perf_counter() - began)
            return True
        return False

    async def _attend(self, call: "_Call") -> None:
        """Awaits the call; cancelled, it leaves the call to end alone: a thread cannot be cancelled."""
        task = create_task(self._run(call))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        try:
            await shield(task)
        except CancelledError:
            call.detach()
            raise

    async def _run(self, call: "_Call") -> None:
        # a2wsgi must not decode the query (it would as ASCII); the environ is built anew.
        scope = {**call.scope, "query_string": b"", "root_path": "", _CALL: call}
        try:
            await self._bridge(scope, call.receive, call.send)  # type: ignore[arg-type]
        finally:
            self._free.release()
            call.end()
        if call.error is not None:
            raise call.error

    def _in_thread(self, environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        call: _Call = environ.pop("asgi.scope")[_CALL]
        environ = self._environs.make(call.scope, call.body)
        environ[FAULTS] = call.faults
        iterable: Iterable[bytes] = ()
        try:
            iterable = self._app(environ, call.starting(start_response))
            for chunk in iterable:
                if call.left.is_set():
                    break
                if chunk and not call.bodyless:
                    yield chunk
        except (SystemExit, KeyboardInterrupt) as error:  # they would end the loop, not the request
            raise RuntimeError(f"the app raised {type(error).__name__}") from error
        finally:
            getattr(iterable, "close", lambda: None)()


class _Call:
    """One call of the app, seen from the loop and from the app's thread."""

    def __init__(self, scope: Scope, body: BinaryIO, receive: Receive, send: Send) -> None:
        self.scope, self.body, self.receive = scope, body, receive
        self.left = Event()  # nobody listens any more: what the app still sends is dropped
        self.bodyless = scope["method"] == "HEAD"
        self.faults: list[str] = []  # of which the app made an answer
        self.error: Exception | None = None  # what the server's `send` raised, for after the call
        self._send = send
        self._sender: Task[Any] | None = (
            None  # a2wsgi's task, while it waits in the server's `send`
        )
        self._watch: Task[None] | None = None
        self._chunks = 0

    def starting(self, start_response: StartResponse) -> StartResponse:
        """Lets a status without a reason pass, and notes the statuses that have no body."""

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            code = status.split(" ", 1)[0]
            self.bodyless = self.bodyless or code in {"204", "304"}
            return start_response(status if " " in status else f"{status} ", headers, *exc_info)

        return start

    async def send(self, message: Message) -> None:
        """Passes a message to the server; never raises, or a2wsgi's thread would wait for ever."""
        if self.left.is_set():
            return
        self._watch_streams(message)
        if message["type"] == "http.response.start":
            message = blamed(message, self.faults)
        self._sender = current_task()
        try:
            await self._send(message)
        except CancelledError:
            if not self.left.is_set():
                raise
            if self._sender is not None:
                self._sender.uncancel()  # it was detach(): only this wait should end
        except Exception as error:
            self.left.set()
            self.error = error
        finally:
            self._sender = None

    def detach(self) -> None:
        """Nobody awaits the call any more: drops its answer, also one stuck in the server's `send`."""
        self.left.set()
        if self._sender is not None:
            self._sender.cancel()

    def end(self) -> None:
        self.body.close()
        if self._watch is not None:
            self._watch.cancel()

    def _watch_streams(self, message: Message) -> None:
        """From the second part on an answer is a stream, and the client may leave in its middle."""
        if message["type"] == "http.response.body" and message.get("more_body"):
            self._chunks += 1
            if self._chunks == 2:
                self._watch = create_task(self._until_disconnect())

    async def _until_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.detach()
