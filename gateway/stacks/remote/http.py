"""A stack behind HTTP/1.1, as an ASGI app: the hot path's client.

    request.py      what the stack is asked            answer.py      what it answers, parsed strictly
    client.py       the body, and a client that leaves  connection.py  one connection
    pool.py         all connections                     reach.py       how one is made

Bytes go through in both directions as they come, with back-pressure. An answer that fails before it
began is a 502, 503 or 504 with a reason; one that fails later is cut, so that the client can tell.

Most exchanges are over at once: the request is there, a connection is free, and the answer comes in one
piece. `_ask` is for these; what is not, goes on in `_patiently`, with all that may have to be waited for.
"""

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.edge.cycle import SPLICE
from gateway.edge.duct import SourceEnded
from gateway.faults import CUT, TIMEOUT
from gateway.messages import FOLLOWS, Message, Receive, Scope, Send
from gateway.refusal import refuse
from gateway.settings import Settings
from gateway.stacks.remote.answer import Answer, Malformed
from gateway.stacks.remote.client import Client, Left, opening
from gateway.stacks.remote.connection import Closed, Connection
from gateway.stacks.remote.failure import StackCut, StackFailed, Unforwardable
from gateway.stacks.remote.pool import Pool
from gateway.stacks.remote.request import Framing, Introduce, Request, request_of
from gateway.stacks.remote.ticks import Ticks

_LARGE: Final = 1 << 20  # bytes of an answer that the kernel moves by itself
_FAILING: Final = 500
_RETRY_AFTER: Final = (b"retry-after", b"1")
_log = structlog.get_logger()


class HTTPStack:
    """Forwards HTTP requests over a pool; `name` is the stack's, for messages.

    `heed` is shown the start of a failing answer, and may change it.
    """

    def __init__(
        self,
        name: str,
        pool: Pool,
        introduce: Introduce,
        settings: Settings,
        heed: Callable[[Message], None] | None = None,
    ) -> None:
        self._name = name
        self._pool = pool
        self._introduce = introduce
        self._heed = heed
        self._deadline = settings.deadline
        self._idle_timeout = settings.idle_timeout
        loop = get_running_loop()
        self._now = loop.time
        self._ticks = Ticks(loop)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        try:
            request = request_of(scope, self._introduce)
        except StackFailed as failure:
            return self._refuse(send, failure)
        if request.framing is Framing.NONE:
            connection = self._pool.take()
            if connection is not None:
                return self._ask(connection, request.head + b"\r\n", request, receive, send)
        return self._open(request, receive, send)

    async def _ask(
        self,
        connection: Connection,
        head: bytes,
        request: Request,
        receive: Receive,
        send: Send,
    ) -> None:
        """Sends a request that is complete, for an answer that comes soon and in one piece."""
        answer = connection.ask(head, head_only=request.scope["method"] == "HEAD")
        self._ticks.start(connection)
        try:
            await connection.soon()
        except TimeoutError:
            pass
        except BaseException:
            self._pool.release(connection, reusable=False)
            raise
        if not answer.complete or connection.failure is not None:
            client = Client(request, receive, self._ticks, connection.since)
            await self._patiently(connection, head, client, send)
            return
        self._pool.release(connection, reusable=answer.reusable)
        start = self._start(answer)
        start[FOLLOWS] = True
        await send(start)
        await send({"type": "http.response.body", "body": answer.take()})

    async def _open(self, request: Request, receive: Receive, send: Send) -> None:
        """Reads the first of a request with a body."""
        try:
            head, more = await opening(request, receive)
        except StackFailed as failure:
            await self._refuse(send, failure)
            return
        except Left:
            return
        connection = None if more else self._pool.take()
        if connection is not None:
            await self._ask(connection, head, request, receive, send)
            return
        client = Client(request, receive, self._ticks, self._now())
        client.sending = more
        await self._patiently(None, head, client, send)

    async def _patiently(
        self, asked: Connection | None, head: bytes, client: Client, send: Send
    ) -> None:
        """Waits for what has to be waited for, but not for longer than the client does."""
        try:
            with client:
                if asked is not None and asked.failure is None:
                    client.watch()
                await self._exchange(asked, head, client, send)
        except StackFailed as failure:
            if client.answered:
                raise StackCut(f"{self._name}: {failure}") from failure
            await self._refuse(send, failure)

    async def _exchange(
        self, asked: Connection | None, head: bytes, client: Client, send: Send
    ) -> None:
        """Once, or twice if the stack has gone before it said something and nothing can come of it."""
        until = client.since + self._deadline
        connection = asked or await self._pool.acquire(until)
        try:
            await self._converse(connection, head, client, send)
        except Closed as error:
            if not client.request.repeatable:
                raise StackFailed(502, str(error), CUT) from error
        else:
            return
        connection = await self._pool.acquire(until, fresh=True)
        try:
            await self._converse(connection, head, client, send)
        except Closed as error:
            raise StackFailed(502, str(error), CUT) from error

    async def _converse(
        self, connection: Connection, head: bytes, client: Client, send: Send
    ) -> None:
        """Raises Closed as long as the client has got nothing."""
        answer = connection.answer or connection.ask(head, head_only=head.startswith(b"HEAD "))
        self._ticks.start(connection)
        try:
            if client.sending:
                client.send_on(connection)
            await self._head(connection, answer, client)
            client.answered = True
            await self._pass_on(connection, answer, client, send)
        finally:
            if connection.answer is answer:  # not given back yet
                self._pool.release(connection, reusable=False)

    async def _head(self, connection: Connection, answer: Answer, client: Client) -> None:
        """Waits until the answer begins; the deadline counts from the last byte of the request."""
        until = client.since + self._deadline
        while connection.failure is not None or not answer.presentable:
            try:
                await connection.news(until)
            except Malformed as error:
                raise StackFailed(502, f"no valid answer: {error}") from error
            except TimeoutError:
                until = client.since + self._deadline
                if until <= self._now():
                    raise StackFailed(
                        504, f"no answer within {self._deadline:g} s", TIMEOUT
                    ) from None
            if answer.continued:
                client.go_on()

    async def _pass_on(
        self, connection: Connection, answer: Answer, client: Client, send: Send
    ) -> None:
        await send(self._start(answer))
        if answer.rest >= _LARGE and client.splices and not connection.encrypted:
            await self._splice(connection, answer, client, send)
            if not answer.complete:  # the client has left
                return
        while True:
            part = answer.take()
            if answer.complete:
                # An answer may come before the request is over: the rest of it goes nowhere.
                self._pool.release(connection, reusable=answer.reusable and not client.sending)
                await send({"type": "http.response.body", "body": part})
                return
            if part:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                continue
            client.watch()
            try:
                await connection.news(self._now() + self._idle_timeout)
            except (Malformed, Closed, TimeoutError) as error:
                if part := answer.take():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                raise self._cut(str(error) or f"nothing for {self._idle_timeout:g} s") from error

    async def _splice(
        self, connection: Connection, answer: Answer, client: Client, send: Send
    ) -> None:
        """Lets the kernel move the rest of a large answer."""
        if part := answer.take():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        client.watch()
        with connection.splicing(self._idle_timeout) as source:
            # What came meanwhile is in the answer, and comes first.
            if part := answer.take():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            try:
                moved = {"source": source, "count": answer.rest}
                await send({"type": SPLICE, **moved, "more_body": True})
            except SourceEnded as error:
                raise self._cut(str(error)) from error
            answer.skip(source.moved)

    def _start(self, answer: Answer) -> Message:
        start: Message = {
            "type": "http.response.start",
            "status": answer.status,
            "headers": answer.headers,
        }
        if answer.status >= _FAILING and self._heed is not None:
            self._heed(start)
        return start

    def _cut(self, why: str) -> StackCut:
        _log.warning("stack.cut", stack=self._name, error=why)
        return StackCut(f"{self._name}: the answer ended early: {why}")

    async def _refuse(self, send: Send, failure: StackFailed) -> None:
        if isinstance(failure, Unforwardable):
            await refuse(send, failure.status, str(failure), fault=failure.fault)
            return
        _log.warning("stack.failed", stack=self._name, status=failure.status, error=str(failure))
        headers = (_RETRY_AFTER,) if failure.status == 503 else ()
        why = f"{self._name}: {failure}"
        await refuse(send, failure.status, why, *headers, fault=failure.fault)
