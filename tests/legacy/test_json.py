"""What Flask's own JSON would do otherwise."""

import pytest

from legacy_flask import create_app
from shared_services.settings import TradingSettings


def test_debug_mode_changes_no_byte() -> None:
    app = create_app(TradingSettings(store="memory://"))
    app.debug = True
    assert app.test_client().get("/api/health").data == b'{"status":"ok"}\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_in_json_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        create_app(TradingSettings(store="memory://")).json.dumps(value)
