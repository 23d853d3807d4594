"""Requests that wait for a thread are counted for the stack whose threads are busy."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from anyio import to_thread
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from flask import Flask
from prometheus_client import REGISTRY

from gateway.stacks.wsgi.bridges import wsgi_stack
from tests import drive
from tests.gateway.bridge import Client, until
from tests.stacks import PLAN, gateway, settings


@pytest.mark.parametrize("bridge", ["banyan", "a2wsgi"])
async def test_a_bridge_knows_how_many_wait(
    tmp_path: Path, bridge: Literal["banyan", "a2wsgi"]
) -> None:
    release = threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        release.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    chosen = settings(tmp_path, wsgi_threads=1, wsgi_bridge=bridge)
    stack = wsgi_stack(slow, chosen, BlockingPortal(), {})
    tasks = [asyncio.create_task(Client(stack).ask()) for _ in range(3)]
    try:
        await until(lambda: stack.waiting() == 2)
    finally:
        release.set()
        await asyncio.gather(*tasks)
        stack.close()
    assert stack.waiting() == 0


def waited_for(stack: str) -> float:
    return REGISTRY.get_sample_value("gateway_threads_waited_for", {"stack": stack}) or 0.0


async def test_sync_handlers_of_modern_that_wait_are_modern_s(tmp_path: Path) -> None:
    release = threading.Event()

    @asynccontextmanager
    async def one_thread(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = 1
        yield

    modern, legacy = FastAPI(lifespan=one_thread), Flask("legacy")

    @modern.get("/who")
    @legacy.get("/who")
    def who() -> str:
        release.wait(10)
        return "done"

    plan = PLAN.format(phase="gradual", modern=100)
    async with gateway(tmp_path, plan, lambda: legacy, lambda: modern) as app:
        target = drive.AsgiTarget(app)
        asked = [asyncio.create_task(target.send(drive.Request("GET", "/who"))) for _ in range(3)]
        try:
            await until(lambda: waited_for("modern") == 2)
            assert waited_for("legacy") == 0
        finally:
            release.set()
            await asyncio.gather(*asked)
