"""The bridge from Flask's threads to the loop of the services."""

import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest
from anyio.from_thread import BlockingPortal
from flask import Flask

from legacy_flask.blocking import PORTAL, STATE, Blocking, call
from shared_services.clock import SYSTEM_CLOCK
from shared_services.errors import OrderNotFound
from shared_services.services import Services, wire
from shared_services.settings import TradingSettings
from shared_services.storage.memory import MemoryStore

DEADLINE = 5.0  # seconds


@dataclass
class Life:
    """Stands for the services, and remembers on which threads they were opened and closed."""

    opened: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Services]:
        self.opened.append(threading.get_ident())
        yield cast("Services", self)
        self.closed.append(threading.get_ident())


class Refusing(AbstractAsyncContextManager[Services]):
    async def __aenter__(self) -> Services:
        raise OSError("no store")

    async def __aexit__(self, *_error: object) -> None:
        raise AssertionError("never entered")


def some_services() -> Services:
    return wire(TradingSettings(), MemoryStore(), SYSTEM_CLOCK, None)


async def where(services: Services) -> tuple[Services, int]:
    return services, threading.get_ident()


@pytest.fixture
def life() -> Life:
    return Life()


@pytest.fixture
def app(life: Life) -> Iterator[Flask]:
    app = Flask(__name__)
    blocking = Blocking(life.open, timeout=DEADLINE)
    app.extensions["blocking"] = blocking
    yield app
    blocking.close()


def test_nothing_opens_before_the_first_call(app: Flask, life: Life) -> None:
    assert life.opened == []


def test_all_calls_run_on_one_loop_that_opened_the_services(app: Flask, life: Life) -> None:
    with app.test_request_context():
        threads = {call(where)[1] for _ in range(3)}
    assert threads == set(life.opened)
    assert threading.get_ident() not in threads


def test_closing_closes_the_services_where_they_were_opened(app: Flask, life: Life) -> None:
    with app.test_request_context():
        call(where)
    app.extensions["blocking"].close()
    assert life.closed == life.opened


def test_a_call_after_closing_opens_them_again(app: Flask, life: Life) -> None:
    with app.test_request_context():
        call(where)
        app.extensions["blocking"].close()
        call(where)
    assert len(life.opened) == 2


def test_threads_that_call_first_at_the_same_time_share_one_loop(app: Flask, life: Life) -> None:
    together = threading.Barrier(8)

    def view(_number: int) -> int:
        together.wait(DEADLINE)
        with app.test_request_context():
            return call(where)[1]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(view, range(8))) == set(life.opened)
    assert len(life.opened) == 1


def test_what_a_service_raises_comes_out_unchanged(app: Flask) -> None:
    error = OrderNotFound("Order not found")

    async def refuse(_services: Services) -> None:
        raise error

    with app.test_request_context(), pytest.raises(OrderNotFound) as caught:
        call(refuse)
    assert caught.value is error


def test_a_service_that_never_ends_is_cancelled_at_the_deadline(app: Flask, life: Life) -> None:
    app.extensions["blocking"] = blocking = Blocking(life.open, timeout=0.05)
    cancelled = threading.Event()

    async def never_end(_services: Services) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    with app.test_request_context(), pytest.raises(TimeoutError):
        call(never_end)
    assert cancelled.wait(DEADLINE)
    blocking.close()


def test_services_that_cannot_be_opened_fail_each_call_and_leave_no_thread(app: Flask) -> None:
    app.extensions["blocking"] = Blocking(Refusing)
    before = set(threading.enumerate())
    for _ in range(2):
        with app.test_request_context(), pytest.raises(OSError, match="no store"):
            call(where)
    assert not set(threading.enumerate()) - before


async def test_behind_the_gateway_calls_run_on_its_loop_with_its_services(
    app: Flask, life: Life
) -> None:
    theirs = some_services()
    async with BlockingPortal() as portal:
        environ: dict[str, Any] = {PORTAL: portal, STATE: {"services": theirs}}

        def view() -> tuple[object, int]:
            with app.test_request_context(environ_overrides=environ):
                return call(where)

        services, thread = await anyio.to_thread.run_sync(view)
    assert services is theirs
    assert thread == threading.get_ident()
    assert life.opened == []


@pytest.mark.parametrize(
    "state", [{}, {"services": "of somebody else's app"}], ids=["none", "other"]
)
async def test_behind_a_gateway_without_our_modern_app_it_opens_services_of_its_own(
    app: Flask, life: Life, state: dict[str, object]
) -> None:
    async with BlockingPortal() as portal:
        environ: dict[str, Any] = {PORTAL: portal, STATE: state}

        def view() -> tuple[object, int]:
            with app.test_request_context(environ_overrides=environ):
                return call(where)

        assert await anyio.to_thread.run_sync(view) == (life, life.opened[0])
    assert life.opened != [threading.get_ident()]


async def test_a_call_from_the_loop_itself_is_refused_rather_than_a_deadlock(app: Flask) -> None:
    async with BlockingPortal() as portal:
        environ: dict[str, Any] = {PORTAL: portal, STATE: {"services": some_services()}}
        with (
            app.test_request_context(environ_overrides=environ),
            pytest.raises(RuntimeError, match="event loop thread"),
        ):
            call(where)
