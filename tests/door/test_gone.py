"""Legacy is gone: a file of its routes is all there is, and clients find the paths that Flask had."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.door.url_map import front_door
from gateway.endpoints import Inventory
from gateway.inventory import flask_endpoints, told_as, told_by
from gateway.stacks.address import StackNotFound
from gateway.stacks.load import load
from tests.door import apps
from tests.door.asking import KINDS, differing
from tests.drive import AsgiTarget, Request
from tests.stacks import gateway

STACKS = {
    "kit": apps.modern_with_kit,
    "bare": apps.modern,
    "kit in a process": lambda: load("BANYAN_MODERN", "process:tests.door.apps:modern_with_kit"),
}


def exported(folder: Path) -> Path:
    file = folder / "legacy.json"
    file.write_text(told_as(told_by(apps.legacy())))
    return file


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory, stack: str) -> AsyncIterator[Gateway]:
    folder = tmp_path_factory.mktemp("gone")
    file = exported(folder)
    async with gateway(folder, "phase: full\n", None, STACKS[stack], legacy_routes=file) as app:
        yield app


@pytest.mark.parametrize("kind", KINDS)
async def test_p018_without_flask_a_path_is_answered_as_flask_answered_it(
    app: Gateway, stack: str, kind: str
) -> None:
    assert await differing(app, kind, hooks=stack != "bare") == {}


def test_the_rules_alone_tell_every_route_that_legacy_had() -> None:
    app = apps.legacy()
    assert Inventory((), door=front_door(app)).spelled == flask_endpoints(app)


@pytest.mark.parametrize("phase", ["gradual", "full"])
async def test_traffic_is_counted_under_the_names_that_legacy_gave_it(
    tmp_path: Path, phase: str
) -> None:
    plan, file = f"phase: {phase}\n", exported(tmp_path)
    async with gateway(tmp_path, plan, None, apps.modern, legacy_routes=file) as app:
        table = app.dispatch.plan.table
    paths = ("/items/7", "/items/7/parts/", "/static/a.txt", "/nope")
    assert [one and one.route.id for one in (table.match("GET", path) for path in paths)] == [
        "GET /items/{i:int}",
        "GET /items/{i:int}/parts/",
        "GET /static/{filename:path}",
        None,
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file or directory"),
        ("", "no file of `banyan routes export`"),
        ('{"routes": []}', "no file of `banyan routes export`"),
    ],
)
async def test_a_file_of_routes_that_cannot_be_read_stops_the_start(
    tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "legacy.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(StackNotFound, match=f"BANYAN_LEGACY_ROUTES: .*legacy.json: {problem}"):
        async with gateway(tmp_path, "phase: full\n", None, apps.modern, legacy_routes=file):
            pass


async def test_a_client_cannot_say_what_a_front_door_decided_where_there_is_none() -> None:
    """Not even by the names under which the gateway tells it."""
    for name in ("X-Banyan-Door", "banyan.door"):
        asked = Request("GET", "/json", {name: "308 https://evil.example/"})
        assert (await AsgiTarget(apps.modern_with_kit()).send(asked)).status == 200
