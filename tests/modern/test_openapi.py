"""What modern alone offers: its documentation."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fastapi_app import create_app
from shared_services.settings import TradingSettings
from tests.contract.cases.routing import ROUTES
from tests.drive import AsgiTarget, Request

Schema = dict[str, Any]


@pytest.fixture(scope="module")
def schema() -> Schema:
    return create_app(TradingSettings(store="memory://")).openapi()


def test_every_route_is_described(schema: Schema) -> None:
    """Each route of the contract is matched by one path of the schema, and none is left over."""
    described = {
        (method.upper(), path) for path, item in schema["paths"].items() for method in item
    }
    served = {
        (method, path)
        for method, path in described
        for known, target, _ in ROUTES.values()
        if known == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), target.split("?")[0])
    }
    assert served == described
    assert len(described) == len(ROUTES)


def test_no_422_is_announced(schema: Schema) -> None:
    assert '"422"' not in json.dumps(schema)
    assert "HTTPValidationError" not in json.dumps(schema)


def test_errors_are_described_by_an_envelope(schema: Schema) -> None:
    envelope = set(schema["components"]["schemas"]["Error"]["properties"])
    for _, _, operation in operations(schema):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                body = response["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
                described = schema["components"]["schemas"][body]["properties"]
                assert body.startswith("Bot") or envelope <= set(described)


def test_every_refusal_has_its_status(schema: Schema) -> None:
    """`default` would announce all of them."""
    order = schema["paths"]["/api/orders"]["post"]["responses"]
    assert list(order) == ["201", "400", "401", "409", "413", "415", "503"]
    assert list(schema["paths"]["/api/health"]["get"]["responses"]) == ["200"]
    assert not [one for *one, known in operations(schema) if "default" in known["responses"]]


def test_every_reference_leads_somewhere(schema: Schema) -> None:
    for name in re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)):
        prefix, _, model = name.rpartition("/")
        assert prefix == "#/components/schemas"
        assert model in schema["components"]["schemas"]


def operations(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_money_is_described_as_numbers(schema: Schema) -> None:
    order = schema["components"]["schemas"]["OrderOut"]["properties"]
    assert {order[name]["type"] for name in ("amount", "filled", "remaining", "price")} == {
        "number"
    }


def test_null_is_never_announced(schema: Schema) -> None:
    answers = {"Error", "Status", "OrderOut"}
    described = json.dumps([schema["components"]["schemas"][name] for name in answers])
    assert '"null"' not in described


def test_the_order_body_is_described(schema: Schema) -> None:
    body = schema["paths"]["/api/orders"]["post"]["requestBody"]
    required = body["content"]["application/json"]["schema"]["required"]
    assert required == ["symbol", "order_type", "side", "amount"]


def test_queries_are_described(schema: Schema) -> None:
    parameters = schema["paths"]["/api/orders/history"]["get"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["symbol", "limit"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_the_documentation_is_served_without_a_token(path: str) -> None:
    app = create_app(TradingSettings(store="memory://", api_token="secret"))
    assert (await AsgiTarget(app).send(Request("GET", path))).status == 200
