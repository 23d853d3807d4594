"""Without an exchange no route knows a number of it: 503, or an answer that never came from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.api_page import PAGE, sections
from tests.contract.case import same
from tests.contract.cases.routing import ROUTES
from tests.contract.targets import TARGETS
from tests.contract.world import DOWN, EXAMPLE, NO_EXCHANGE, World
from tests.drive import Answer

FAMILIES_THAT_ASK = ("balances", "live", "market", "orderbook", "orders", "portfolio", "positions")
ASKS = {
    *(route for route in ROUTES if route.split(".")[0] in FAMILIES_THAT_ASK),
    "risk.assessment",
    "risk.validate",
}
# These two read the exchange and never fail because of it: they say less, and no number.
SAY_LESS = {
    "status.get": {"status": "running"},
    "trading.limitations": {
        "is_paper_trading": False,
        "limitations": [],
        "margin_trading_available": True,
        "supported_order_types": ["spot", "margin"],
    },
}
# Only these know that none is configured, and say it.
NO_START = {
    "message": "Failed to start bot: exchange service not configured",
    "status": "error",
    "success": False,
}
REQUESTS = {
    route: ([one for one in examples if one.status < 400] or examples)[-1].request
    for route, examples in sections(PAGE.read_text()).items()
}
WITHOUT = [DOWN, NO_EXCHANGE]


async def answer(stack: str, world: World, route: str, folder: Path) -> Answer:
    async with TARGETS[stack](world, folder) as target:
        return await target.send(REQUESTS[route])


def numbers(value: object) -> Iterator[object]:
    """Every number in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


@pytest.mark.parametrize("stack", ["legacy", "modern"])
@pytest.mark.parametrize("world", WITHOUT, ids=lambda world: world.name)
@pytest.mark.parametrize("route", sorted(ASKS))
async def test_what_the_exchange_knows_is_unavailable_without_it(
    route: str, world: World, stack: str, tmp_path: Path
) -> None:
    given = await answer(stack, world, route, tmp_path)
    assert given.status == 503, given.body
    assert set(given.json()) <= {"details", "error", "errors", "message", "status"}
    assert list(numbers(given.json())) == []


@pytest.mark.parametrize("stack", ["legacy", "modern"])
@pytest.mark.parametrize("world", WITHOUT, ids=lambda world: world.name)
@pytest.mark.parametrize("route", [route for route in ROUTES if route not in ASKS])
async def test_everything_else_is_the_same_without_it(
    route: str, world: World, stack: str, tmp_path: Path
) -> None:
    given = await answer(stack, world, route, tmp_path)
    if route in SAY_LESS:
        assert given.status == 200
        assert given.json() == SAY_LESS[route]
    elif route == "bot.start" and world is NO_EXCHANGE:
        assert given.json() == NO_START
    else:
        usual = await answer(stack, EXAMPLE, route, tmp_path)
        assert (given.status, same(given.json(), usual.json())) == (usual.status, True)
