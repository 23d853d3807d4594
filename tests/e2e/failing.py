"""Two apps; `modern-fails` in their working directory says how many of a thousand clients modern fails.

They are always the same ones. `asked.log` has a line for each request of `/slow` and `/stream` to modern.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Header
from fastapi.responses import StreamingResponse
from flask import Flask

SWITCH: Final = "modern-fails"
ASKED: Final = "asked.log"
LONG: Final = 6.0  # seconds until an answer that nobody waits for, or to the end of a stream
STEP: Final = 0.1  # seconds between two parts of it
TAKES: Final = {"legacy": 0.3, "modern": 0.05}  # seconds of an order

legacy = Flask("legacy")
modern = FastAPI()


class Broken(Exception):
    """What modern raises where it fails."""


def fails(client: str, of_thousand: int) -> bool:
    """Whether a client is one of those."""
    digest = blake2b(client.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 1000 < of_thousand


@legacy.get("/api/positions")
@legacy.get("/slow")
@legacy.get("/stream")
def of_legacy() -> dict[str, str]:
    return {"stack": "legacy"}


@legacy.get("/mark")
@modern.get("/mark")
def mark() -> dict[str, int]:
    return {"process": os.getpid()}


@legacy.post("/orders")
def order_of_legacy() -> dict[str, str]:
    time.sleep(TAKES["legacy"])
    return {"stack": "legacy"}


@modern.get("/api/positions")
async def positions(x_api_key: str = Header()) -> dict[str, str]:
    switch = Path(SWITCH)
    if switch.exists() and fails(x_api_key, int(switch.read_text() or 0)):
        raise Broken(x_api_key)
    return {"stack": "modern"}


@modern.get("/slow")
async def slow() -> dict[str, str]:
    _note("slow")
    await asyncio.sleep(LONG)
    return {"stack": "modern"}


@modern.get("/stream")
async def stream() -> StreamingResponse:
    _note("stream")
    return StreamingResponse(_parts())


@modern.post("/orders")
async def order(takes: float = TAKES["modern"]) -> dict[str, str]:
    await asyncio.sleep(takes)
    return {"stack": "modern"}


async def _parts() -> AsyncIterator[bytes]:
    for _ in range(int(LONG / STEP)):
        yield b"x" * 1024
        await asyncio.sleep(STEP)


def _note(what: str) -> None:
    file = os.open(ASKED, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{what}\n".encode())  # one call: no other process writes in between
    finally:
        os.close(file)
