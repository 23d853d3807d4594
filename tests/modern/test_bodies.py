"""Where the bodies of requests are read."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from fastapi_app import dependencies
from shared_services.jsonbody import JsonObject, parse_object
from tests.contract.targets import TARGETS
from tests.contract.world import EXAMPLE
from tests.drive import Request


@pytest.mark.parametrize("size", [100, dependencies.LARGE_BODY + 1])
async def test_a_large_body_is_not_read_on_the_loop(
    size: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    readers: list[int] = []

    def reading(raw: bytes, **options: Any) -> JsonObject:
        readers.append(threading.get_ident())
        return parse_object(raw, **options)

    monkeypatch.setattr(dependencies, "parse_object", reading)
    body = json.dumps({"data": {"high": [], "low": []}, "padding": "x" * size}).encode()
    request = Request("POST", "/api/indicators/fvg", {"Content-Type": "application/json"}, body)
    async with TARGETS["modern"](EXAMPLE, tmp_path) as target:
        assert (await target.send(request)).status == 200
    on_the_loop = readers == [threading.get_ident()]
    assert on_the_loop == (size < dependencies.LARGE_BODY)
