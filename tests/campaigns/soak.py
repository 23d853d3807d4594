"""Everything at once, for long: requests to both stacks, plan edits, clients that leave, apps that fail.

    python -m tests.campaigns.soak --minutes 30

Every ten seconds memory, threads and descriptors of the worker are noted. Flat means: at the end, with all
clients gone, threads and descriptors are what they were after the first minute, and memory has stopped to grow.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.e2e.processes import Running, banyan, descriptors

APPS: Final = """
import asyncio, time
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from flask import Flask, Response, request

legacy = Flask("legacy")
modern = FastAPI()

@legacy.get("/who")
def legacy_who():
    return {"stack": "legacy"}

@modern.get("/who")
async def modern_who():
    return {"stack": "modern"}

@legacy.get("/boom")
def legacy_boom():
    return {"stack": "legacy"}

@modern.get("/boom")
async def modern_boom():
    raise ValueError("modern is broken")

@legacy.post("/echo")
def legacy_echo():
    return request.get_data()

@modern.post("/echo")
async def modern_echo(body: dict):
    return body

@legacy.get("/stream")
def legacy_stream():
    return Response(b"x" * 4096 for _ in range(5000))

@modern.get("/stream")
async def modern_stream():
    async def parts():
        for _ in range(5000):
            yield b"x" * 4096
            await asyncio.sleep(0)
    return StreamingResponse(parts())
"""
_PLAN: Final = """\
phase: gradual
routes:
  - {{route: GET /who, modern: {0}}}
  - {{route: GET /boom, modern: {0}}}
  - {{route: POST /echo, modern: {0}}}
  - {{route: GET /stream, modern: {0}}}
"""
_BODY: Final = b'{"a": "' + b"x" * 2000 + b'"}'
_SAMPLE: Final = 10.0  # seconds


@dataclass
class Soak:
    """What happened, and what the worker had meanwhile: MiB, threads, descriptors."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    samples: list[tuple[float, int, int]] = field(default_factory=list)


async def soak(running: Running, plan: Path, seconds: float, clients: int = 8) -> Soak:
    """Runs for `seconds`; each client makes about ten requests a second."""
    port = int(running.url("gateway").rpartition(":")[2])
    pid, seen, over = running.process.pid, Soak(), asyncio.Event()
    work = [_client(port, number, seen, over) for number in range(clients)]
    tasks = [
        asyncio.create_task(one) for one in (*work, _edit(plan, over), _watch(pid, seen, over))
    ]
    await asyncio.sleep(seconds)
    over.set()
    await asyncio.gather(*tasks)
    await asyncio.sleep(1)
    seen.samples.append(sample(pid))
    return seen


def sample(pid: int) -> tuple[float, int, int]:
    """MiB, threads and descriptors of a process, without its store's."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024
    threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    return memory, threads, descriptors(pid).total()


async def _watch(pid: int, seen: Soak, over: asyncio.Event) -> None:
    while not over.is_set():
        seen.samples.append(sample(pid))
        await _pause(over, _SAMPLE)


async def _edit(plan: Path, over: asyncio.Event) -> None:
    """A new split every few seconds, and sometimes a plan that is refused."""
    while not over.is_set():
        text = _PLAN.format(random.randint(0, 100))
        broken = random.random() < 0.2
        draft = plan.with_suffix(".draft")
        draft.write_text(text.replace("gradual", "sideways") if broken else text)
        draft.replace(plan)
        await _pause(over, 3)


async def _pause(over: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await over.wait()


async def _client(port: int, number: int, seen: Soak, over: asyncio.Event) -> None:
    acts: list[Callable[[int, str, Soak], Awaitable[None]]] = [
        _get,
        _get,
        _get,
        _post,
        _leave,
        _cut,
    ]
    while not over.is_set():
        key = f"Host: x\r\nX-API-Key: {number}-{random.randrange(1000)}\r\n"
        act = random.choice(acts)
        try:
            async with asyncio.timeout(20):
                await act(port, key, seen)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            seen.wrong.append(f"{act.__name__}: {error!r}")
        seen.answers[act.__name__] += 1
        await _pause(over, random.uniform(0, 0.1))


async def _get(port: int, key: str, seen: Soak) -> None:
    # A tenth at most: legacy rescues what modern fails within a budget of a fifth.
    (path,) = random.choices(["/who", "/boom", "/nope"], [8, 1, 1])
    status, _ = await _ask(port, f"GET {path} HTTP/1.1\r\n{key}Connection: close\r\n\r\n".encode())
    if status != (404 if path == "/nope" else 200):
        seen.wrong.append(f"GET {path}: {status}")


async def _post(port: int, key: str, seen: Soak) -> None:
    head = f"POST /echo HTTP/1.1\r\n{key}Connection: close\r\nContent-Type: application/json\r\n"
    raw = head.encode() + b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY
    status, _ = await _ask(port, raw)
    if status != 200:
        seen.wrong.append(f"POST /echo: {status}")


async def _ask(port: int, raw: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer[9:12] or 0), answer


async def _leave(port: int, key: str, _seen: Soak) -> None:
    """In the middle of a stream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /stream HTTP/1.1\r\n{key}\r\n".encode())
    await reader.readexactly(20_000)
    writer.transport.abort()


async def _cut(port: int, key: str, _seen: Soak) -> None:
    """In the middle of an upload."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST /echo HTTP/1.1\r\n{key}Content-Length: 100000\r\n\r\n".encode() + _BODY)
    await writer.drain()
    writer.transport.abort()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environ = prepare(folder)
        began = time.monotonic()
        with banyan(folder, "serve", **environ) as running:
            seen = asyncio.run(soak(running, folder / "traffic.yaml", options.minutes * 60))
        print(f"{(time.monotonic() - began) / 60:.1f} minutes, {seen.answers.total()} requests")
        print(dict(seen.answers), f"wrong: {len(seen.wrong)}", *seen.wrong[:10], sep="\n")
    print("\n| minute | MiB | threads | descriptors |\n|---|---|---|---|")
    step = max(1, len(seen.samples) // 15)
    for index in (*range(0, len(seen.samples) - 1, step), len(seen.samples) - 1):
        memory, threads, descriptors = seen.samples[index]
        minute = index * _SAMPLE / 60
        print(f"| {minute:.1f} | {memory:.1f} | {threads} | {descriptors} |")
    third = len(seen.samples) // 3
    middle = statistics.median(memory for memory, _, _ in seen.samples[third : 2 * third])
    last = statistics.median(memory for memory, _, _ in seen.samples[2 * third :])
    print(f"\nmemory of the last third less that of the middle one: {last - middle:+.1f} MiB")


def prepare(folder: Path) -> dict[str, str]:
    """Apps and plan in `folder`; the settings that name them."""
    (folder / "apps.py").write_text(APPS)
    (folder / "traffic.yaml").write_text(_PLAN.format(50))
    return {"BANYAN_LEGACY": "apps:legacy", "BANYAN_MODERN": "apps:modern"}


if __name__ == "__main__":
    main()
