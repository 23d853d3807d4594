"""GETs and POSTs without a pause, and what must be true of them whatever is killed meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.gateway.bridge import Client, until

_GETS, _POSTS = 6, 3


class Load:
    """`executed` is the file in which the app writes down each POST that it has run."""

    def __init__(self, app: Any, executed: Path) -> None:
        self._app = app
        self._executed = executed
        self._ids = count()
        self.gets: Counter[int] = Counter()
        self.posts: dict[str, int] = {}
        self.pid = 0  # of who answered last
        self.failures: list[bytes] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Load"]:
        stop = asyncio.Event()
        loops = [self._get(stop) for _ in range(_GETS)] + [self._post(stop) for _ in range(_POSTS)]
        tasks = [asyncio.ensure_future(loop) for loop in loops]
        try:
            yield self
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def more(self, requests: int) -> None:
        """Until so many more are answered."""
        goal = self.gets.total() + requests
        await until(lambda: self.gets.total() >= goal, 30)

    async def answered_by_another(self, pid: int) -> None:
        await until(lambda: self.pid != pid, 30)

    def check(self) -> None:
        """No GET failed, no POST ran twice, and none was acknowledged that did not run."""
        ran = Counter(self._executed.read_text().split())
        assert self.failures == []
        assert set(self.posts.values()) <= {200, 502}, Counter(self.posts.values())
        assert [post for post, times in ran.items() if times > 1] == []
        assert [
            post for post, status in self.posts.items() if status == 200 and not ran[post]
        ] == []

    async def _get(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            client = await Client(self._app).ask(30)
            self.gets[client.status] += 1
            if client.status == 200:
                self.pid = client.json()["pid"]
            else:
                self.failures.append(client.body)

    async def _post(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            post = f"p{next(self._ids)}"
            query = f"file={self._executed}".encode()
            scope = {"path": f"/{post}", "query_string": query, "method": "POST"}
            client = await Client(self._app, **scope).ask(30)
            self.posts[post] = client.status
