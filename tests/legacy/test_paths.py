"""What only modern serves is unknown to the legacy stack by itself (contract 2.1, 9)."""

import pytest

from legacy_flask import create_app
from shared_services.settings import TradingSettings


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/ws/market/me", "/static/x"])
def test_what_only_modern_serves_is_unknown(path: str) -> None:
    client = create_app(TradingSettings(store="memory://")).test_client()
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404
