"""Section 2.10: when the API must not be served without a token."""

import pytest

from shared_services.access import refusal, settings_or_exit
from shared_services.bound_addresses import bound_addresses
from shared_services.settings import TradingSettings

LOOPBACK = ["127.0.0.1", "127.8.9.1", "::1", "localhost"]
ELSEWHERE = ["0.0.0.0", "::", "10.0.0.1", "example.com", ""]


@pytest.mark.parametrize("address", LOOPBACK)
def test_paper_needs_no_token_on_a_loopback_address(address: str) -> None:
    assert refusal(TradingSettings(), address) is None


@pytest.mark.parametrize("address", ELSEWHERE)
def test_any_other_address_needs_a_token(address: str) -> None:
    assert refusal(TradingSettings(), address) == f"{address} is not a loopback address"


def test_a_live_exchange_needs_a_token_on_any_address() -> None:
    assert refusal(TradingSettings(exchange="kraken"), "::1") == "exchange 'kraken' is live"


@pytest.mark.parametrize("address", LOOPBACK + ELSEWHERE)
def test_with_a_token_everything_may_be_served(address: str) -> None:
    assert refusal(TradingSettings(exchange="kraken", api_token="secret"), address) is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("app:app", []),
        ("app:app --host 0.0.0.0", ["0.0.0.0"]),
        ("app:app --host=::", ["::"]),
        ("app:app --host ::1 --port 8000", ["::1"]),
        ("app:app --host localhost", ["localhost"]),
        ("app:app --host", []),
        ("app:app -b 10.0.0.1:80 --bind=[::]:80", ["10.0.0.1", "::"]),
        ("app:app -b127.0.0.1:80", ["127.0.0.1"]),
        ("app:app --bind :80", ["0.0.0.0"]),
        ("app:app --bind unix:/run/x.sock", []),
    ],
)
def test_the_command_line_says_where_a_server_listens(arguments: str, expected: list[str]) -> None:
    assert bound_addresses(arguments.split(), {}) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UVICORN_HOST", "0.0.0.0"),
        ("BANYAN_HOST", "0.0.0.0"),
        ("GUNICORN_CMD_ARGS", "--bind=0.0.0.0:80"),
    ],
)
def test_a_variable_says_it_if_the_command_line_does_not(name: str, value: str) -> None:
    assert bound_addresses([], {name: value}) == ["0.0.0.0"]
    assert bound_addresses(["--host=::1"], {name: value}) == ["::1"]


@pytest.mark.parametrize("name", ["TRADING_EXCHANGE", "EXCHANGE_ID"])
def test_the_process_ends_with_the_reason_as_its_last_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "bitfinex")
    with pytest.raises(SystemExit) as ended:
        settings_or_exit()
    assert ended.value.code
    assert capsys.readouterr().err == (
        "Refusing to start: exchange 'bitfinex' is live and TRADING_API_TOKEN is not set\n"
    )
