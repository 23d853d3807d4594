"""Flask as a stack: a WSGI app called in a thread, answering as it does under gunicorn's gthread worker.

- The request's body is complete before a thread is taken, and is a real file (`body.py`).
- The environ is what gunicorn would build (`environ.py`).
- An ordinary answer crosses from thread to loop once, a stream is joined on its way (`outbox.py`).
- A call is never cancelled, for a thread cannot be: it is left behind, the rest of its answer dropped,
  its iterable closed.
- A thread is waited for only so long, then the answer is 503 with Retry-After. Threads that wait for slow
  clients do not count.

`reference.py` does the same around a2wsgi; tests/gateway/test_wsgi_traps.py runs against both.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from time import perf_counter
from typing import Any, BinaryIO, Final

import structlog
from anyio.from_thread import BlockingPortal

from gateway.answer import ClientTooSlow
from gateway.edge.cycle import FILE
from gateway.messages import FOLLOWS, Receive, Scope, Send
from gateway.observe import metrics
from gateway.refusal import refuse
from gateway.settings import Settings
from gateway.stacks.wsgi.blame import FAULTS, blamed, hear_flask
from gateway.stacks.wsgi.body import receive_body
from gateway.stacks.wsgi.environ import Environ, Environs, FileWrapper, has_body
from gateway.stacks.wsgi.figures import Figures
from gateway.stacks.wsgi.files import SentFile, sent_file
from gateway.stacks.wsgi.outbox import Outbox
from gateway.stacks.wsgi.start import Reply, StartResponse
from gateway.stacks.wsgi.threads import Job, Threads

WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]

_PAGE: Final = (  # gunicorn's, for an app that raises before its answer has begun
    b"<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n"
    b"    <h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n"
)
_STEP: Final = 1.0  # seconds
_log = structlog.get_logger()


class WSGIStack:
    """Runs a WSGI app in its own bounded pool of threads.

    `portal` leads into the running loop and `state` is modern's lifespan state: an app in this
    process finds both in its environ (`banyan.portal`, `banyan.state`) and so shares one set of
    async services with the modern app.
    """

    def __init__(
        self, app: WSGIApp, settings: Settings, portal: BlockingPortal, state: dict[str, Any]
    ) -> None:
        self._app = app
        self._memory, self._wait = settings.body_memory, settings.wsgi_wait
        extras = {"banyan.portal": portal, "banyan.state": state, FAULTS: None}
        self._environs = Environs(multiprocess=settings.workers > 1, extras=extras)
        self._threads = Threads(settings.wsgi_threads, settings.wsgi_slow_clients)
        self._figures = Figures(self.busy)
        hear_flask()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = self._environs.make(scope, BytesIO())
        if has_body(environ):
            body = await receive_body(scope, receive, send, self._memory)
            if body is None:
                return
            environ["wsgi.input"] = body
        call = _Call(self._app, environ, self._threads, self._figures)
        reply, ordinary = call.reply, False
        self._figures.called()
        try:
            if not self._threads.add(call):
                self._hurry(call, self._wait)
            await reply.news
            part, more = reply.taken()
            if call.waiting is not None:
                call.waiting.cancel()
            ordinary = not more and reply.sent and call.error is None and call.file is None
            if ordinary:
                start = blamed(reply.start(), call.faults) if call.faults else reply.start()
                start[FOLLOWS] = True
                await send(start)
                await send({"type": "http.response.body", "body": part, "more_body": False})
            else:
                await self._relay(call, (part, more), scope, receive, send)
        except asyncio.CancelledError as cancelled:
            _raise_if_cut(reply, cancelled)
            raise
        finally:
            if not ordinary:
                self._leave(call)

    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return self._threads.waiting

    def busy(self) -> int:
        """Threads that have a request."""
        return self._threads.busy

    def close(self) -> None:
        """Takes no new calls; threads that are stuck in the app are left behind."""
        self._threads.close()
        self._figures.close()

    def _hurry(self, call: "_Call", rest: float) -> None:
        """A call waits for a thread: asks for one every second, for `rest` seconds."""
        if rest <= 0:
            call.expire()
            return
        self._threads.press()
        step, loop = min(_STEP, rest), asyncio.get_running_loop()
        call.waiting = loop.call_later(step, self._hurry, call, rest - step)

    async def _relay(
        self, call: "_Call", first: tuple[bytes, bool], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Sends what the call says, as it comes."""
        reply, (part, more) = call.reply, first
        if call.expired:
            await refuse(send, 503, "All threads are busy", (b"retry-after", b"1"))
            return
        if not reply.sent:
            await _fail(send, call.error)
        reply.follow()
        await send(blamed(reply.start(), call.faults))
        watch = None
        if more or call.file is not None:
            watch = asyncio.create_task(_until_disconnect(receive, reply))
        try:
            while more:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                part, more = await reply.take()
            if call.file is not None and not reply.left:
                zero_copy = FILE in (scope.get("extensions") or ()) and reply.length is not None
                await call.file.send(send, reply, zero_copy=zero_copy)
            await self._finish(call, part, send)
        finally:
            if watch is not None:
                watch.cancel()

    async def _finish(self, call: "_Call", part: bytes, send: Send) -> None:
        """The last part, or what went wrong: the server cuts the answer then."""
        if call.reply.left:
            return
        cut = call.error is not None
        await send({"type": "http.response.body", "body": part, "more_body": cut})
        if call.error is not None:
            raise call.error

    def _leave(self, call: "_Call") -> None:
        """The answer is at its end, or nobody waits for it."""
        if call.waiting is not None:
            call.waiting.cancel()
        call.reply.leave()
        if call.file is not None:
            self._threads.add(call.file.closing)
        if call.claim():  # no thread took it
            call.body.close()


class _Call(Job):
    """One call of the app, in its thread."""

    __slots__ = (
        "_app", "_environ", "_figures", "_since",
        "body", "error", "expired", "faults", "file", "reply", "waiting",
    )  # fmt: skip

    def __init__(self, app: WSGIApp, environ: Environ, threads: Threads, figures: Figures) -> None:
        Job.__init__(self)
        self._app, self._environ, self._figures = app, environ, figures
        self.body: BinaryIO = environ["wsgi.input"]
        self.reply = Reply(environ["REQUEST_METHOD"], threads)
        self.file: SentFile | None = None  # the answer's body, if it is a file
        self.error: Exception | None = None
        self.expired = False
        self.waiting: asyncio.TimerHandle | None = None  # for a thread
        self.faults: list[str] = []  # of which the app made an answer
        environ[FAULTS] = self.faults
        self._since = perf_counter()

    def run(self) -> None:
        self._figures.waits.append(perf_counter() - self._since)
        reply = self.reply
        iterable: Iterable[bytes] = ()
        try:
            iterable = self._app(self._environ, reply.start_response)
            self._answer(iterable, reply)
        except Exception as error:
            self._fail(error)
        except BaseException as error:  # an exit, a cancellation: it would cost the thread
            self._fail(RuntimeError(f"the app raised {type(error).__name__}"))
        finally:
            if not reply.ended:
                reply.end()
            if self.file is None:
                _close(iterable)
            elif reply.left and self.file.closing.claim():  # nobody came for the file
                self.file.closing.run()
            self.body.close()

    def expire(self) -> None:
        """The wait for a thread is over; unless one has taken the call."""
        if self.claim():
            self.expired = True
            self.body.close()
            self.reply.end()

    def _answer(self, iterable: Iterable[Any], reply: Reply) -> None:
        if isinstance(iterable, FileWrapper) and not reply.omits_body:
            self.file = sent_file(iterable, reply.length, partial(_close, iterable))
            if self.file is not None:
                reply.begin()
                return
        for part in iterable:
            reply.write(part)
            if reply.left and not reply.ended:
                return
        if not reply.ended:
            reply.check_complete()

    def _fail(self, error: Exception) -> None:
        if self.reply.ended:  # the client has its answer; what comes after it is for the log
            _log.error("wsgi.failed_after_answer", exc_info=error)
        else:
            self.error = error


def _raise_if_cut(reply: Reply, cancelled: asyncio.CancelledError) -> None:
    """A client that was too slow ends its answer, not the task."""
    task = asyncio.current_task()
    if reply.too_slow and task is not None:
        task.uncancel()
        metrics.SLOW_CLIENTS_CUT.inc()
        raise ClientTooSlow from cancelled


def _close(iterable: Iterable[bytes]) -> None:
    close = getattr(iterable, "close", None)
    if close is None:
        return
    try:
        close()
    except BaseException:  # it would cost the thread
        _log.exception("wsgi.close_failed")


async def _fail(send: Send, error: Exception | None) -> None:
    """The answer of an app that gave none; raises `error`, which the server logs."""
    headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(_PAGE))]
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": _PAGE})
    raise error or RuntimeError("the app ended without calling start_response")


async def _until_disconnect(receive: Receive, outbox: Outbox) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    outbox.leave()
