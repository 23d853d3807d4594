"""What the metrics learn of the threads of a WSGI app, by either bridge."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from anyio.from_thread import BlockingPortal
from prometheus_client import REGISTRY, CollectorRegistry, Histogram

from gateway.observe.metrics import WSGI_QUEUE
from gateway.stacks.wsgi.bridges import wsgi_stack
from gateway.stacks.wsgi.figures import Figures
from tests.gateway.bridge import Client, until
from tests.stacks import settings

Bridge = Literal["banyan", "a2wsgi"]
BRIDGES: tuple[Bridge, ...] = ("banyan", "a2wsgi")
CALLS = 3


class Held:
    """A WSGI app whose calls wait until they are released."""

    def __init__(self) -> None:
        self.release = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.release.wait(10)
        start_response("200 OK", [])
        return [b"done"]


@pytest.fixture
def held() -> Iterator[Held]:
    app = Held()
    yield app
    app.release.set()


def busy() -> float:
    return REGISTRY.get_sample_value("gateway_wsgi_threads_busy") or 0.0


def waits(bound: str) -> float:
    name = "gateway_wsgi_queue_seconds_bucket"
    return REGISTRY.get_sample_value(name, {"le": bound}) or 0.0


@pytest.mark.parametrize("bridge", BRIDGES)
async def test_busy_threads_are_told_while_they_are_and_no_longer(
    tmp_path: Path, held: Held, bridge: Bridge
) -> None:
    before = busy()
    stack = wsgi_stack(held, settings(tmp_path, wsgi_bridge=bridge), BlockingPortal(), {})
    tasks = [asyncio.create_task(Client(stack).ask()) for _ in range(CALLS)]
    await until(lambda: busy() == before + CALLS)
    held.release.set()
    await asyncio.gather(*tasks)
    await until(lambda: busy() == before)
    stack.close()


@pytest.mark.parametrize("bridge", BRIDGES)
async def test_each_wait_for_a_thread_is_counted_once(
    tmp_path: Path, held: Held, bridge: Bridge
) -> None:
    before = waits("+Inf")
    chosen = settings(tmp_path, wsgi_threads=1, wsgi_bridge=bridge)
    stack = wsgi_stack(held, chosen, BlockingPortal(), {})
    tasks = [asyncio.create_task(Client(stack).ask()) for _ in range(CALLS)]
    await until(lambda: stack.waiting() == CALLS - 1)
    held.release.set()
    await asyncio.gather(*tasks)
    stack.close()
    assert waits("+Inf") - before == CALLS


async def test_waits_are_in_the_buckets_where_the_library_would_have_put_them() -> None:
    seconds = [0.0, 0.001, 0.0011, 0.3, 0.3, 29.0, 31.0]
    registry = CollectorRegistry()
    theirs = Histogram(
        "waits", "By the library.", buckets=WSGI_QUEUE._upper_bounds, registry=registry
    )
    before = REGISTRY.get_sample_value("gateway_wsgi_queue_seconds_sum") or 0.0
    samples = next(iter(theirs.collect())).samples
    bounds = [sample.labels["le"] for sample in samples if "le" in sample.labels]
    counted = [waits(bound) for bound in bounds]

    figures = Figures(lambda: 0)
    for wait in seconds:
        theirs.observe(wait)
        figures.waits.append(wait)
    figures.called()
    figures.close()

    added = [waits(bound) - count for bound, count in zip(bounds, counted, strict=True)]
    expected = [registry.get_sample_value("waits_bucket", {"le": bound}) for bound in bounds]
    assert added == expected
    spent = REGISTRY.get_sample_value("gateway_wsgi_queue_seconds_sum") or 0.0
    assert spent - before == pytest.approx(sum(seconds))


FILES = """
import asyncio
from pathlib import Path
from anyio.from_thread import BlockingPortal
from gateway.stacks.wsgi.bridge import WSGIStack
from tests.gateway.bridge import Client, answering
from tests.stacks import settings

async def main():
    stack = WSGIStack(answering(lambda: [b"x"]), settings(Path()), BlockingPortal(), {})
    for _ in range(5):
        await Client(stack).ask()
    stack.close()

asyncio.run(main())

from prometheus_client import CollectorRegistry, generate_latest, multiprocess
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_t83_waits_meet_in_the_files_of_several_workers(tmp_path: Path) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", FILES], env=environ, capture_output=True, text=True, check=True
    )
    assert "gateway_wsgi_queue_seconds_count 5.0" in done.stdout
    assert 'gateway_wsgi_queue_seconds_bucket{le="+Inf"} 5.0' in done.stdout
