"""What modern alone offers: its documentation."""

import json
import re
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


def test_errors_are_described_by_the_envelope(
    schema: Schema,
) -> None:
    for item in schema["paths"].values():
        for operation in item.values():
            content = operation["responses"]["default"]["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Error"}


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
