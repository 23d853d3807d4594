"""Section 2.10: when the API must not be served without a token."""

import pytest

from shared_services.access import refusal, settings_or_exit
from shared_services.command_line import CommandLine
from shared_services.settings import TradingSettings

LOOPBACK = ["127.0.0.1", "127.8.9.1", "::1", "localhost"]
ELSEWHERE = ["0.0.0.0", "::", "10.0.0.1", "example.com", ""]


MISSING = "and TRADING_API_TOKEN is not set"


@pytest.mark.parametrize("address", LOOPBACK)
def test_paper_needs_no_token_on_a_loopback_address(address: str) -> None:
    assert refusal(TradingSettings(), [address]) is None


@pytest.mark.parametrize("address", ELSEWHERE)
def test_any_other_address_needs_a_token(address: str) -> None:
    reason = f"{address} is not a loopback address {MISSING}"
    assert refusal(TradingSettings(), ["::1", address]) == reason


def test_a_live_exchange_needs_a_token_on_any_address() -> None:
    settings = TradingSettings(exchange="kraken")
    assert refusal(settings, ["::1"]) == f"exchange 'kraken' is live {MISSING}"
    assert refusal(settings, []) == f"exchange 'kraken' is live {MISSING}"


@pytest.mark.parametrize("address", LOOPBACK + ELSEWHERE)
def test_with_a_token_everything_may_be_served(address: str) -> None:
    assert refusal(TradingSettings(exchange="kraken", api_token="secret"), [address]) is None


def test_t36_several_workers_cannot_share_a_store_in_memory() -> None:
    settings = TradingSettings(store="memory://", api_token="secret")
    assert refusal(settings, [], workers=1) is None
    reason = "TRADING_STORE is memory://, which 2 workers cannot share"
    assert refusal(settings, [], workers=2) == reason


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
    assert CommandLine(arguments.split(), {}).addresses() == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UVICORN_HOST", "0.0.0.0"),
        ("BANYAN_HOST", "0.0.0.0"),
        ("GUNICORN_CMD_ARGS", "--bind=0.0.0.0:80"),
    ],
)
def test_a_variable_says_it_if_the_command_line_does_not(name: str, value: str) -> None:
    assert CommandLine([], {name: value}).addresses() == ["0.0.0.0"]
    assert CommandLine(["--host=::1"], {name: value}).addresses() == ["::1"]


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ("app:app", {}, 1),
        ("app:app --workers 3", {}, 3),
        ("app:app -w2 --workers=4", {"WEB_CONCURRENCY": "9"}, 4),
        ("app:app", {"WEB_CONCURRENCY": "2"}, 2),
        ("app:app", {"BANYAN_WORKERS": "2"}, 2),
        ("app:app", {"GUNICORN_CMD_ARGS": "-w 2"}, 2),
        ("app:app --workers many", {}, 1),
    ],
)
def test_the_command_line_says_how_many_workers_there_are(
    arguments: str, environment: dict[str, str], expected: int
) -> None:
    assert CommandLine(arguments.split(), environment).workers() == expected


@pytest.mark.parametrize("name", ["TRADING_EXCHANGE", "EXCHANGE_ID"])
def test_the_process_ends_with_the_reason_as_its_last_line(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "bitfinex")
    with pytest.raises(SystemExit) as ended:
        settings_or_exit()
    assert ended.value.code == 3
    assert str(ended.value) == f"exchange 'bitfinex' is live {MISSING}"
    assert capsys.readouterr().err == (
        "Refusing to start: exchange 'bitfinex' is live and TRADING_API_TOKEN is not set\n"
    )
