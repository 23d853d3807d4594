"""Two apps that do what apps should not: hang, fail, exit, leave things behind, stream without an end.

Both serve the same routes, so that a plan decides who misbehaves; `/count` of either tells what it saw.
"""

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from flask import Flask, Response, g

STEP = 0.2  # seconds between two parts of a stream
PART = b"data: " + b"x" * 1017 + b"\n"
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("MARK", default="clean")

legacy = Flask("misbehaving")
modern = FastAPI()
released = threading.Event()
counted: Counter[str] = Counter()
lateness: dict[str, float] = {}  # seconds from a stream's last step to its end, the longest
_lock = threading.Lock()


def count(name: str) -> None:
    with _lock:
        counted[name] += 1


class Stream:
    """Parts without an end; how long after its last step it was closed is remembered."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = time.monotonic()
        count(f"{name} opened")

    def parts(self) -> Iterator[bytes]:
        try:
            while True:
                self.step()
                yield PART
                time.sleep(STEP)
        finally:
            self.end()

    async def parts_of_modern(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.step()
                yield PART
                await asyncio.sleep(STEP)
        finally:
            self.end()

    def step(self) -> None:
        self._last = time.monotonic()

    def end(self) -> None:
        with _lock:
            late = time.monotonic() - self._last
            lateness[self._name] = max(lateness.get(self._name, 0.0), late)
        count(f"{self._name} closed")


class Closing:
    """An iterable with a `close` of its own, as PEP 3333 has it."""

    def __init__(self) -> None:
        self._stream = Stream("iterable")

    def __iter__(self) -> "Closing":
        return self

    def __next__(self) -> bytes:
        self._stream.step()
        time.sleep(STEP)
        return PART

    def close(self) -> None:
        self._stream.end()


@legacy.get("/generator")
def generator() -> Response:
    return Response(Stream("generator").parts(), mimetype="application/octet-stream")


@legacy.get("/events")
def events() -> Response:
    return Response(Stream("events").parts(), mimetype="text/event-stream")


@legacy.get("/iterable")
def iterable() -> Response:
    return Response(Closing(), mimetype="application/octet-stream")


@modern.get("/async")
async def async_stream() -> StreamingResponse:
    return StreamingResponse(Stream("async").parts_of_modern())


@modern.get("/sync")
async def sync_stream() -> StreamingResponse:
    return StreamingResponse(Stream("sync").parts())


@legacy.get("/async")
@legacy.get("/sync")
@legacy.get("/hang")
@legacy.get("/block")
@legacy.get("/hang-alone")
def hang() -> dict[str, bool]:
    count("hanging")
    return {"released": released.wait(60)}


@modern.get("/hang")
@modern.get("/hang-alone")
async def hang_on_the_loop() -> None:
    await asyncio.Event().wait()


@modern.get("/block")
async def block_the_loop() -> dict[str, str]:
    _the_function_that_blocks()
    return {"stack": "modern"}


def _the_function_that_blocks() -> None:
    time.sleep(3)


@modern.post("/release")
async def release() -> dict[str, bool]:
    released.set()
    return {"released": True}


@legacy.get("/count")
@modern.get("/count")
def counts() -> dict[str, Any]:
    with _lock:
        return {"pid": os.getpid(), "late": lateness, **counted}


@legacy.get("/broken/<how>")
@legacy.post("/broken/<how>")
def whole(how: str) -> dict[str, str]:
    count(f"legacy {how}")
    return {"stack": "legacy"}


@modern.get("/broken/{how}")
@modern.post("/broken/{how}")
async def broken(how: str) -> JSONResponse:
    count(f"modern {how}")
    if how == "raises":
        raise ValueError("modern is broken")
    return JSONResponse({"stack": "modern"}, 503)


def recurse() -> None:
    recurse()


def leave_a_mark() -> None:
    MARK.set("left by another request")
    g.mark = "left by another request"
    sys.setswitchinterval(0.004)


def start_a_thread() -> None:
    threading.Thread(target=released.wait, name="of-a-view").start()


def fork() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    subprocess.run([sys.executable, "-c", ""], check=True)


def set_a_signal_handler() -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)


def raises(error: BaseException) -> Callable[[], None]:
    def view() -> None:
        raise error

    return view


MISDEEDS: dict[str, Callable[[], None]] = {
    "exits": lambda: sys.exit(3),
    "raises-system-exit": raises(SystemExit(3)),
    "raises-keyboard-interrupt": raises(KeyboardInterrupt()),
    "raises-generator-exit": raises(GeneratorExit()),
    "raises-cancelled-error": raises(asyncio.CancelledError()),
    "recurses": recurse,
    "has-no-memory": raises(MemoryError()),
    "sets-a-signal-handler": set_a_signal_handler,
    "leaves-a-mark": leave_a_mark,
    "starts-a-thread": start_a_thread,
    "forks": fork,
    "ends-the-process": lambda: os._exit(17),
}


@legacy.get("/does/<misdeed>")
def does(misdeed: str) -> dict[str, str]:
    MISDEEDS[misdeed]()
    return {"did": misdeed}


@legacy.get("/clean")
def clean() -> dict[str, Any]:
    return {"mark": MARK.get(), "g": "mark" in g, "pid": os.getpid()}
