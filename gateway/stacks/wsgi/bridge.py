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
from contextvars import copy_context
from functools import partial
from time import perf_counter
from typing import Any, BinaryIO, Final

import structlog
from anyio.from_thread import BlockingPortal

from gateway.answer import ClientTooSlow
from gateway.edge.cycle import FILE
from gateway.messages import Receive, Scope, Send
from gateway.observe import metrics
from gateway.refusal import refuse
from gateway.settings import Settings
from gateway.stacks.wsgi.blame import FAULTS, blamed, hear_flask
from gateway.stacks.wsgi.body import receive_body
from gateway.stacks.wsgi.environ import Environ, FileWrapper, build_environ
from gateway.stacks.wsgi.files import SentFile, sent_file
from gateway.stacks.wsgi.outbox import Outbox
from gateway.stacks.wsgi.start import Head, StartResponse
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
        self._settings = settings
        self._extras = {"banyan.portal": portal, "banyan.state": state}
        self._threads = Threads(settings.wsgi_threads, settings.wsgi_slow_clients)
        hear_flask()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await receive_body(scope, receive, send, self._settings.body_memory)
        if body is None:
            return
        environ = build_environ(scope, body, multiprocess=self._settings.workers > 1)
        environ.update(self._extras)
        call = _Call(self._app, environ, body, Outbox(self._threads))
        job = Job(partial(copy_context().run, call.run))
        try:
            if not self._threads.add(job):
                self._hurry(call, job, self._settings.wsgi_wait)
            await self._relay(call, scope, receive, send)
        except asyncio.CancelledError as cancelled:
            call.end_wait()
            task = asyncio.current_task()
            if not call.outbox.too_slow or task is None:
                raise
            task.uncancel()
            metrics.SLOW_CLIENTS_CUT.inc()
            raise ClientTooSlow from cancelled
        finally:
            call.outbox.leave()
            if call.file is not None:
                self._threads.add(call.file.closing)
            if job.claim():  # cancelled before a thread took it
                body.close()

    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return self._threads.waiting

    def close(self) -> None:
        """Takes no new calls; threads that are stuck in the app are left behind."""
        self._threads.close()

    def _hurry(self, call: "_Call", job: Job, rest: float) -> None:
        """A job waits for a thread: asks for one every second, for `rest` seconds."""
        if rest <= 0:
            call.expire(job)
            return
        self._threads.press()
        step, loop = min(_STEP, rest), asyncio.get_running_loop()
        call.waiting = loop.call_later(step, self._hurry, call, job, rest - step)

    async def _relay(self, call: "_Call", scope: Scope, receive: Receive, send: Send) -> None:
        """Sends what the call says, as it comes."""
        outbox = call.outbox
        part, more = await outbox.take()
        call.end_wait()
        if call.expired:
            await refuse(send, 503, "All threads are busy", (b"retry-after", b"1"))
            return
        if not call.head.sent:
            await _fail(send, call.error)
        await send(blamed(call.head.message(), call.faults))
        watch = None
        if more or call.file is not None:
            watch = asyncio.create_task(_until_disconnect(receive, outbox))
        try:
            while more:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                part, more = await outbox.take()
            if call.file is not None and not outbox.left:
                zero_copy = FILE in (scope.get("extensions") or ()) and call.head.length is not None
                await call.file.send(send, outbox, zero_copy=zero_copy)
            await self._finish(call, part, send)
        finally:
            if watch is not None:
                watch.cancel()

    async def _finish(self, call: "_Call", part: bytes, send: Send) -> None:
        """The last part, or what went wrong: the server cuts the answer then."""
        if call.outbox.left:
            return
        cut = call.error is not None
        await send({"type": "http.response.body", "body": part, "more_body": cut})
        if call.error is not None:
            raise call.error


class _Call:
    """One call of the app, in its thread."""

    def __init__(self, app: WSGIApp, environ: Environ, body: BinaryIO, outbox: Outbox) -> None:
        self._body = body
        self.outbox = outbox
        self.head = Head(environ["REQUEST_METHOD"], self._write)
        self.file: SentFile | None = None  # the answer's body, if it is a file
        self.error: Exception | None = None
        self.expired = False
        self.waiting: asyncio.TimerHandle | None = None  # for a thread
        self.faults: list[str] = []  # of which the app made an answer
        environ[FAULTS] = self.faults
        self._app, self._environ = app, environ
        self._waits_since = perf_counter()

    def run(self) -> None:
        metrics.WSGI_QUEUE.observe(perf_counter() - self._waits_since)
        metrics.WSGI_BUSY.inc()
        iterable: Iterable[bytes] = ()
        try:
            iterable = self._app(self._environ, self.head.start_response)
            self._answer(iterable)
        except Exception as error:
            self._fail(error)
        except BaseException as error:  # an exit, a cancellation: it would cost the thread
            self._fail(RuntimeError(f"the app raised {type(error).__name__}"))
        finally:
            self.outbox.end()
            self._close(iterable)
            metrics.WSGI_BUSY.dec()

    def expire(self, job: Job) -> None:
        """The wait for a thread is over; unless one has taken the job."""
        if job.claim():
            self.expired = True
            self._body.close()
            self.outbox.end()

    def end_wait(self) -> None:
        if self.waiting is not None:
            self.waiting.cancel()

    def _answer(self, iterable: Iterable[bytes]) -> None:
        if isinstance(iterable, FileWrapper) and not self.head.omits_body:
            self.file = sent_file(iterable, self.head.length, partial(_closed, iterable))
        if self.file is None:
            for part in iterable:
                self._write(part)
                if self.outbox.left and not self.outbox.ended:
                    return
        self.head.send()
        if self.file is None:
            self.head.check_complete()

    def _write(self, part: bytes) -> None:
        self.head.send()
        if not isinstance(part, bytes):
            raise TypeError(f"the app's answer has a part that is {type(part).__name__}, not bytes")
        part, complete = self.head.admit(part)
        if complete:
            self.outbox.end(part)
        elif part:
            self.outbox.put(part)

    def _fail(self, error: Exception) -> None:
        if self.outbox.ended:  # the client has its answer; what comes after it is for the log
            _log.error("wsgi.failed_after_answer", exc_info=error)
        else:
            self.error = error

    def _close(self, iterable: Iterable[bytes]) -> None:
        if self.file is None:
            _closed(iterable)
        elif self.outbox.left and self.file.closing.claim():  # nobody came for the file
            self.file.closing.call()
        self._body.close()


def _closed(iterable: Iterable[bytes]) -> None:
    try:
        getattr(iterable, "close", lambda: None)()
    except BaseException:  # likewise
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
