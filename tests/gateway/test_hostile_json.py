"""Bodies that are expensive or ambiguous to parse, to every route of the trading system that takes one."""

import gzip
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from fastapi_app import create_app
from gateway.endpoints import Endpoint
from gateway.inventory import fastapi_endpoints
from shared_services.settings import TradingSettings
from tests.contract.case import JSON, compared
from tests.contract.targets import Stage
from tests.contract.world import EXAMPLE
from tests.drive import Answer, AsgiTarget, Request
from tests.stacks import gateway

CPU = 20.0  # seconds for all routes; a guard against what grows with the square of its input
TEN_MB = 10 << 20
ORDER = '{"symbol":"TESTBTC/TESTUSD","order_type":"limit","side":"buy","amount":%s,"price":%s}'

BODIES = {
    "a gzip bomb": gzip.compress(bytes(TEN_MB)),
    "arrays 3 000 deep": b"[" * 3_000 + b"]" * 3_000,
    "objects 3 000 deep": b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
    "an order around an array 3 000 deep": (ORDER % ("[" * 3_000 + "]" * 3_000, "1")).encode(),
    "10 MB of [": b"[" * TEN_MB,
    "10 MB of blanks": b" " * TEN_MB,
    "a name twice": (ORDER % ("0", '1,"amount":-1,"amount":0')).encode(),
    "NaN": (ORDER % ("NaN", "Infinity")).encode(),
    "numbers of 10 000 digits": (ORDER % ("1" * 10_000, "0." + "3" * 10_000)).encode(),
    "exponents of 10 000 digits": (ORDER % ("1e" + "9" * 10_000, "1e-" + "9" * 10_000)).encode(),
    "lone surrogates": (ORDER % (r'"\ud800"', r'"\udfff"')).encode(),
    "a lone surrogate as a name": rb'{"\ud800":1}',
    "surrogates in UTF-8": b'{"symbol":"\xed\xa0\x80"}',
    "UTF-16": json.dumps({"symbol": "é"}).encode("utf-16"),
    "a null byte": b'{"symbol":"\x00"}',
    "20 000 names": json.dumps(dict.fromkeys(map(str, range(20_000)), 1)).encode(),
}
ENCODED = {"a gzip bomb": {"Content-Encoding": "gzip"}}


def routes() -> list[Endpoint]:
    served = fastapi_endpoints(create_app(TradingSettings(store="memory://"))) or ()
    return [route for route in served if route.method in {"POST", "PUT", "PATCH"}]


ROUTES = routes()


@asynccontextmanager
async def trading(folder: Path, share: int, **changes: Any) -> AsyncIterator[AsgiTarget]:
    """The trading system behind the gateway, everything at one stack."""
    stage = Stage.of(EXAMPLE)
    plan = f"phase: gradual\ndefaults: {{modern: {share}}}\n"
    stacks = (lambda: stage.legacy), (lambda: stage.modern)
    async with gateway(folder, plan, *stacks, **changes) as app:
        yield AsgiTarget(cast("Any", app))


async def told(target: AsgiTarget, body: bytes, **headers: str) -> dict[str, Answer]:
    """What each route answers."""
    return {
        route.id: await target.send(
            Request(route.method, route.template.format(name="rsi"), JSON | headers, body)
        )
        for route in ROUTES
    }


@pytest.mark.parametrize("name", BODIES)
async def test_b048_a_body_that_is_costly_or_ambiguous_is_refused_alike_by_both_stacks(
    name: str, tmp_path: Path
) -> None:
    assert len(ROUTES) > 15
    answers, began = [], time.process_time()
    for share, stack in ((0, "legacy"), (100, "modern")):
        async with trading(tmp_path, share) as target:
            answers.append(await told(target, BODIES[name], **ENCODED.get(name, {})))
        assert {answer.header("x-served-by") for answer in answers[-1].values()} == {stack}
    assert time.process_time() - began < CPU
    for route, ours in answers[0].items():
        theirs = answers[1][route]
        assert ours.status < 500, (route, ours.body[:300])
        assert (theirs.status, theirs.status < 400 or compared(theirs)) == (
            ours.status,
            ours.status < 400 or compared(ours),
        ), route
    # To some routes a body is optional or ignored; an order, a trade or a weight needs a right one.
    assert answers[0]["POST /api/orders"].status == 400


@pytest.mark.parametrize(("share", "stack"), [(0, "legacy"), (100, "modern")])
async def test_b048_above_the_limit_no_stack_parses_anything(
    share: int, stack: str, tmp_path: Path
) -> None:
    async with trading(tmp_path, share, body_limit=1 << 20) as target:
        answers = await told(target, BODIES["10 MB of ["])
    assert {answer.status for answer in answers.values()} == {413}
    assert {answer.header("x-served-by") for answer in answers.values()} == {stack}
