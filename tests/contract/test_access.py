"""Section 2.10: when the API must not be served without a token."""

import pytest

from shared_services.access import refusal, settings_or_exit
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
