"""What a stack's own process knows of a failure reaches the worker, and nobody else."""

import asyncio
from typing import Any

import pytest

from gateway.messages import FAULT, App
from gateway.settings import Settings
from gateway.stacks.address import Spawned
from gateway.stacks.remote.failure import StackCut
from gateway.stacks.remote.stack import process_stack
from gateway.words import Stack
from tests.gateway.bridge import Client, until

pytestmark = pytest.mark.e2e
HOST = {"headers": [(b"host", b"shop.example")]}


def spawned(app: str) -> Any:
    address = Spawned("BANYAN_MODERN", f"tests.remote.failing_shop:{app}")
    return process_stack(address, Stack.MODERN, Settings(grace=0.1))


async def asked(stack: App, path: str) -> Client:
    return await Client(stack, path=path, **HOST).ask()


@pytest.mark.parametrize("app", ["fastapi_app", "flask_app"])
async def test_an_exception_is_known_by_its_type_and_place_in_the_app(app: str) -> None:
    async with spawned(app) as (stack, _):
        answer = await asked(stack, "/raises")
    assert answer.sent[0][FAULT] == "KeyError at tests.remote.failing_shop.raises"
    assert answer.status == 500
    assert b"x-banyan-fault" not in answer.headers
    assert b"Internal Server Error" in answer.body
    assert b"alice" not in answer.body


@pytest.mark.parametrize("app", ["fastapi_app", "flask_app"])
async def test_a_name_that_would_split_a_header_is_a_name(app: str) -> None:
    async with spawned(app) as (stack, _):
        answer = await asked(stack, "/odd")
    assert answer.sent[0][FAULT] == (
        "tests.remote.failing_shop.Fehler\u00e4??x-evil: 1 at tests.remote.failing_shop.odd"
    )
    assert b"x-evil" not in answer.headers


@pytest.mark.parametrize("app", ["fastapi_app", "flask_app"])
async def test_a_failure_that_was_answered_on_purpose_has_no_fault(app: str) -> None:
    async with spawned(app) as (stack, _):
        answer = await asked(stack, "/says")
    assert (answer.status, answer.body) == (503, b"away")
    assert FAULT not in answer.sent[0]


async def test_an_app_that_raises_before_it_answers_is_answered_for() -> None:
    async with spawned("silent_app") as (stack, _):
        answer = await asked(stack, "/")
        again = await asked(stack, "/")
    assert answer.sent[0][FAULT] == "LookupError at tests.remote.failing_shop.silent_app"
    assert (answer.status, answer.body) == (500, b"Internal Server Error")
    assert answer.headers[b"content-type"] == b"text/plain; charset=utf-8"
    assert again.sent[0][FAULT] == answer.sent[0][FAULT]


async def test_an_answer_that_began_well_is_cut_as_before() -> None:
    async with spawned("silent_app") as (stack, _):
        client = Client(stack, path="/later", **HOST)
        with pytest.raises(StackCut):
            await client.ask()
    assert client.status == 200
    assert client.body == b"half"


async def test_a_failure_is_not_held_for_what_the_app_does_after_it() -> None:
    async with spawned("fastapi_app") as (stack, _):
        answer = await asked(stack, "/works-on")
    assert (answer.status, answer.body) == (500, b"sorry")


async def test_a_failure_that_streams_is_passed_on_as_it_comes() -> None:
    async with spawned("fastapi_app") as (stack, _):
        client = Client(stack, path="/streams", **HOST)
        asking = asyncio.ensure_future(client.ask())
        await until(lambda: client.body == b"one ")
        client.gone.set()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert client.status == 500
