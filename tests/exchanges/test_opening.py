"""From the settings to exchanges: what is asked for or none, never another one."""

import re
import subprocess
import sys
from decimal import Decimal
from importlib.metadata import distributions
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from shared_services.exchange.ccxt import client
from shared_services.exchange.ccxt.adapter import CcxtExchange, open_ccxt
from shared_services.exchange.ccxt.client import Venue
from shared_services.exchange.opening import open_exchange, open_venues, queue_size
from shared_services.exchange.paper.exchange import PaperExchange
from shared_services.exchange.port import NoExchangeError
from shared_services.nonces.turns import all_keys
from shared_services.settings import TradingSettings
from shared_services.storage.memory import MemoryStore
from tests.bitfinex.server import KEY, SECRET, FakeBitfinex
from tests.fakes import EXAMPLE_NOW, FixedClock, FixedMarket

ROOT = Path(__file__).parents[2]
LIVE = TradingSettings(
    exchange="bitfinex",
    bitfinex_api_key=SecretStr(KEY),
    bitfinex_api_secret=SecretStr(SECRET),
)


def settings(**changes: object) -> TradingSettings:
    return LIVE.model_copy(update=changes)


async def refused(wanted: TradingSettings) -> None:
    async with open_exchange(wanted, MemoryStore(), FixedClock(), None) as port:
        assert port is None


async def test_paper_is_paper(market: FixedMarket, store: MemoryStore, clock: FixedClock) -> None:
    async with open_exchange(TradingSettings(), store, clock, market) as port:
        assert isinstance(port, PaperExchange)
        assert [(one.currency, one.total) for one in await port.balances()] == [
            ("TESTUSD", Decimal(10_000))
        ]


async def test_keys_open_the_live_exchange_and_nothing_is_asked_of_it_yet(
    fake: FakeBitfinex, store: MemoryStore, clock: FixedClock
) -> None:
    async with open_exchange(settings(exchange_url=fake.url), store, clock, None) as port:
        assert isinstance(port, CcxtExchange)
        assert (fake.requests, fake.arrivals) == ([], [])
        assert len(await port.balances()) == 2
        assert queue_size(port) == 0


async def test_the_unit_of_the_nonces_is_a_setting(
    fake: FakeBitfinex, store: MemoryStore, clock: FixedClock
) -> None:
    wanted = settings(exchange_url=fake.url, nonce_unit="us")
    async with open_exchange(wanted, store, clock, None) as port:
        assert port is not None
        await port.balances()

    assert fake.nonces() == [EXAMPLE_NOW * 1000]
    assert [row.mark for row in await store.read(all_keys)] == fake.nonces()


@pytest.mark.parametrize("missing", ["bitfinex_api_key", "bitfinex_api_secret"])
async def test_without_both_keys_there_is_no_exchange_and_the_log_says_so(
    missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    await refused(settings(**{missing: None}))

    assert [record.getMessage() for record in caplog.records] == [
        "no trading: BITFINEX_API_KEY and BITFINEX_API_SECRET are both needed"
    ]
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


async def test_an_exchange_without_an_adapter_is_none_and_not_paper(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await refused(settings(exchange="kraken"))

    assert "no adapter for exchange 'kraken'" in caplog.text


async def test_without_the_extra_there_is_no_live_exchange(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client, "_CCXT", "a_package_that_is_not_installed")
    await refused(LIVE)

    (record,) = caplog.records
    assert "pip install 'banyan-gateway[exchanges]'" in record.getMessage()


async def test_a_sandbox_that_is_not_offered_opens_nothing_and_nothing_is_sent(
    fake: FakeBitfinex, caplog: pytest.LogCaptureFixture
) -> None:
    await refused(settings(exchange_url=fake.url, exchange_sandbox=True))

    assert "bitfinex has no sandbox" in caplog.text
    assert (fake.requests, fake.arrivals) == ([], [])


async def test_bare_ccxt_stumbles_over_a_sandbox_that_is_not_offered() -> None:
    """Why we look first: the error is none of ccxt's own."""
    async with client.open_client(Venue("kraken"), None) as kraken:
        with pytest.raises(TypeError):
            kraken.set_sandbox_mode(True)


async def test_a_sandbox_that_is_offered_is_used() -> None:
    async with client.open_client(Venue("binance", sandbox=True), None) as binance:
        assert "testnet" in binance.urls["api"]["public"]


async def test_an_id_that_ccxt_does_not_know_is_no_exchange() -> None:
    for name in ("nowhere", "exchanges", "Exchange", "__class__"):
        with pytest.raises(NoExchangeError, match="knows no exchange"):
            async with open_ccxt(Venue(name), None, MemoryStore(), FixedClock()):
                pass


async def test_by_default_the_books_are_those_of_the_trading_exchange(
    store: MemoryStore, clock: FixedClock
) -> None:
    async with (
        open_exchange(TradingSettings(), store, clock, None) as port,
        open_venues(TradingSettings(), store, clock, port) as venues,
    ):
        assert dict(venues) == {"paper": port}


async def test_venues_are_in_the_configured_order_and_the_trading_exchange_is_used_again(
    fake: FakeBitfinex, store: MemoryStore, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    ids = ("kraken", "bitfinex", "nowhere", "paper")
    wanted = settings(exchange_url=fake.url, orderbook_exchanges=ids)
    async with (
        open_exchange(wanted, store, clock, None) as port,
        open_venues(wanted, store, clock, port) as venues,
    ):
        assert tuple(venues) == ids
        assert venues["bitfinex"] is port
        assert isinstance(venues["kraken"], CcxtExchange)
        assert venues["nowhere"] is venues["paper"] is None
    assert [record.getMessage().split(":")[0] for record in caplog.records] == 2 * [
        "no order books"
    ]


async def test_a_venue_beside_paper_has_its_books_without_keys(
    fake: FakeBitfinex, store: MemoryStore, clock: FixedClock
) -> None:
    wanted = TradingSettings(
        orderbook_exchanges=("paper", "bitfinex"), exchange_url=fake.url, store="memory://"
    )
    async with (
        open_exchange(wanted, store, clock, None) as port,
        open_venues(wanted, store, clock, port) as venues,
    ):
        bitfinex = venues["bitfinex"]
        assert bitfinex is not None
        assert (await bitfinex.order_book("BTC/USD", 1)).bids[0].price == Decimal(39990)
        with pytest.raises(NoExchangeError):
            await bitfinex.balances()


def test_the_environment_has_the_names_that_operators_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITFINEX_API_KEY", "a key")
    monkeypatch.setenv("TRADING_BITFINEX_API_SECRET", "a secret")
    monkeypatch.setenv("TRADING_ORDERBOOK_EXCHANGES", "bitfinex, kraken")
    found = TradingSettings()

    assert found.orderbook_exchanges == ("bitfinex", "kraken")
    assert found.bitfinex_api_key is not None
    assert found.bitfinex_api_secret is not None
    assert "a key" not in repr(found)
    assert "a secret" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRADING_ORDERBOOK_EXCHANGES", "bitfinex,,kraken"),
        ("TRADING_ORDERBOOK_EXCHANGES", "Bitfinex"),
        ("TRADING_NONCE_UNIT", "s"),
        ("TRADING_CALLS_PER_MINUTE", "1"),
        ("TRADING_EXCHANGE_URL", "localhost:8000"),
    ],
)
def test_a_wrong_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        TradingSettings()


@pytest.mark.parametrize("entry", ["fastapi_app.asgi", "legacy_flask.wsgi"])
def test_starting_a_stack_imports_no_ccxt(entry: str, tmp_path: Path) -> None:
    script = f"import sys, {entry}; print(*(name for name in sys.modules if 'ccxt' in name))"
    environment = {"TRADING_STORE": f"sqlite:///{tmp_path}/test.db", "PYTHONPATH": str(ROOT)}
    output = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert [name for name in output.split() if not name.startswith("shared_services.")] == []


def test_the_lock_of_the_core_is_free_of_ccxt_and_that_of_the_extra_repeats_nothing() -> None:
    core, extra = pins("requirements.lock"), pins("exchanges.lock")

    assert "ccxt" not in core
    assert "ccxt" in extra
    assert core.keys() & extra.keys() == set()


def test_beside_ccxt_our_own_versions_are_installed_and_not_those_it_pins() -> None:
    installed = {
        re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version for one in distributions()
    }
    wanted = pins("requirements.lock") | pins("exchanges.lock")

    assert {
        name for name in wanted.keys() & installed if installed[name] not in wanted[name]
    } == set()


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by name; there may be several, for several Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE
    ):
        found.setdefault(name, set()).add(version)
    return found
