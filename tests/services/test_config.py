"""ConfigServiceAsync: doors, versions, and what is in force."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_services.config import versions
from shared_services.config.document import MAX_SIZE, dumps, loads
from shared_services.config.model import CombinationMethod, TradingConfig
from shared_services.config.reading import read_document
from shared_services.config.schema import FIELDS
from shared_services.config.service import ConfigServiceAsync
from shared_services.config.tables import CONFIG_VERSIONS, ConfigVersionRow
from shared_services.config.trading import trading_config
from shared_services.errors import InvalidConfig
from shared_services.settings import TradingSettings
from shared_services.storage import Store
from shared_services.storage.memory import MemoryStore
from tests.fakes import FixedClock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def config(store: MemoryStore, file: Path) -> ConfigServiceAsync:
    return ConfigServiceAsync(store, FixedClock(), str(file))


async def rows(store: Store) -> list[ConfigVersionRow]:
    return await store.read(lambda reader: reader.find(CONFIG_VERSIONS, order_by="version"))


async def largest(config: ConfigServiceAsync) -> Decimal:
    return (await config.current()).risk.max_position_size


def test_what_is_shipped_is_what_the_models_say() -> None:
    shipped = trading_config(read_document({}))
    parameters = shipped.parameters
    assert shipped == TradingConfig(parameters=parameters)
    assert parameters == {
        "ema_crossover": {"fast_period": 12, "slow_period": 26},
        "rsi": {"rsi_period": 14, "overbought": 70, "oversold": 30},
        "fvg": {"lookback": 3},
        "sample": {},
    }


async def test_a_new_store_takes_the_file(config: ConfigServiceAsync, file: Path) -> None:
    file.write_text('{"risk": {"max_position_size": 0.2}}')
    await config.take_file()
    assert await largest(config) == Decimal("0.2")


async def test_a_store_that_knows_better_does_not(config: ConfigServiceAsync, file: Path) -> None:
    await config.update({"risk": {"max_position_size": Decimal("0.3")}})
    file.write_text('{"risk": {"max_position_size": 0.2}}')
    await config.take_file()
    assert await largest(config) == Decimal("0.3")


async def test_reload_takes_a_changed_file(config: ConfigServiceAsync, file: Path) -> None:
    file.write_text('{"risk": {"max_position_size": 0.2}}')
    assert await config.reload() == ()
    assert await largest(config) == Decimal("0.2")


async def test_reload_of_the_same_file_keeps_what_clients_changed_since(
    config: ConfigServiceAsync, file: Path
) -> None:
    file.write_text('{"risk": {"max_position_size": 0.2}}')
    await config.reload()
    await config.update({"risk": {"max_position_size": Decimal("0.3")}})
    await config.reload()
    assert await largest(config) == Decimal("0.3")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "The configuration file is not a JSON object"),
        (b"[1]", "The configuration file is not a JSON object"),
        (b"", "The configuration file is not a JSON object"),
        (b" " * (MAX_SIZE + 1), f"The configuration file is larger than {MAX_SIZE} bytes"),
    ],
)
async def test_a_file_that_cannot_be_used_changes_nothing(
    config: ConfigServiceAsync, file: Path, content: bytes, reason: str
) -> None:
    await config.update({"risk": {"max_position_size": Decimal("0.3")}})
    file.write_bytes(content)
    assert await config.reload() == (reason,)
    assert await largest(config) == Decimal("0.3")


async def test_a_folder_is_no_file(tmp_path: Path) -> None:
    config = ConfigServiceAsync(MemoryStore(), FixedClock(), str(tmp_path))
    assert await config.reload() == ("The configuration file is not a file",)


async def test_a_wrong_file_is_told_at_the_start(
    config: ConfigServiceAsync, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("{")
    await config.take_file()
    assert [record.message for record in caplog.records] == [
        f"config.unusable file={file} reason=The configuration file is not a JSON object"
    ]


async def test_what_breaks_its_bound_is_never_in_force(
    config: ConfigServiceAsync, file: Path
) -> None:
    file.write_text('{"risk": {"max_position_size": 50, "max_open_positions": 2}}')
    assert await config.reload() == ("max_position_size must be between 0 and 1",)
    risk = (await config.current()).risk
    assert (risk.max_position_size, risk.max_open_positions) == (Decimal("0.1"), 2)


async def test_an_order_of_strategies_is_that_of_the_file(
    config: ConfigServiceAsync, file: Path
) -> None:
    file.write_text('{"portfolio_strategies": {"fvg": {}, "rsi": {"weight": 0.8}}}')
    await config.reload()
    await config.set_weight("sample", {"weight": Decimal("0.5")})
    names = [one.name for one in await config.strategies()]
    assert names == ["fvg", "rsi", "ema_crossover", "sample"]


async def test_numbers_stay_as_they_were_written(config: ConfigServiceAsync, file: Path) -> None:
    file.write_text('{"strategy": {"atr_multiplier": 2.0, "volume_multiplier": 3}}')
    await config.reload()
    shown = await config.strategy("nope")
    assert str(shown["atr_multiplier"]) == "2.0"
    assert str(shown["volume_multiplier"]) == "3"


@pytest.mark.parametrize(
    ("changes", "fast", "rsi"),
    [
        ({}, 12, 14),
        ({"EMA_FAST": 5, "RSI_PERIOD": 7}, 5, 7),
        ({"EMA_FAST": 5, "portfolio_strategies": {"ema_crossover": {"fast_period": 9}}}, 9, 14),
        ({"portfolio_strategies": {"rsi": {"rsi_period": 9}}}, 12, 9),
    ],
)
async def test_a_period_of_the_general_section_counts_where_the_strategy_names_none(
    config: ConfigServiceAsync, changes: dict[str, object], fast: int, rsi: int
) -> None:
    if changes:
        await config.update(changes)
    parameters = (await config.current()).parameters
    assert parameters["ema_crossover"]["fast_period"] == fast
    assert parameters["rsi"]["rsi_period"] == rsi


async def test_a_refused_update_is_no_version(
    config: ConfigServiceAsync, store: MemoryStore
) -> None:
    with pytest.raises(InvalidConfig):
        await config.update({"risk": {"max_position_size": 1, "max_leverage": 0}})
    assert await rows(store) == []


async def test_an_update_that_changes_nothing_is_no_version(
    config: ConfigServiceAsync, store: MemoryStore
) -> None:
    await config.update({"risk": {"max_leverage": 2}})
    await config.update({"risk": {"max_leverage": 2}})
    assert [row.version for row in await rows(store)] == [1]


async def test_an_old_contradiction_does_not_hinder_what_has_nothing_to_do_with_it(
    config: ConfigServiceAsync, file: Path
) -> None:
    file.write_text('{"portfolio_strategies": {"rsi": {"oversold": 50, "overbought": 50}}}')
    await config.reload()
    await config.update({"SYMBOL": "ETH/USD"})
    assert (await config.current()).symbol == "ETH/USD"


async def test_two_writers_lose_nothing(each_store: Store) -> None:
    """Two processes, twenty changes each, all of different fields: every one is kept."""
    both = [ConfigServiceAsync(each_store, FixedClock(), "") for _ in range(2)]
    sections = [("risk", "lookback"), ("fvg_strategy", "lookback")]

    async def write(config: ConfigServiceAsync, section: str, key: str) -> None:
        for number in range(1, 21):
            await config.update({section: {key: number}})

    async with anyio.create_task_group() as group:
        for config, (section, key) in zip(both, sections, strict=True):
            group.start_soon(write, config, section, key)
    newest = await each_store.read(versions.newest)
    assert newest is not None
    document: Any = json.loads(newest.document)
    assert (document["risk"]["lookback"], document["fvg_strategy"]["lookback"]) == (20, 20)


async def test_a_write_of_one_process_is_in_force_for_the_other(each_store: Store) -> None:
    one, other = (ConfigServiceAsync(each_store, FixedClock(), "") for _ in range(2))
    assert (await other.current()).combination is CombinationMethod.WEIGHTED_AVERAGE
    await one.update_probability({"probability_settings": {"combination_method": "majority_vote"}})
    assert (await other.current()).combination is CombinationMethod.MAJORITY_VOTE


async def test_old_versions_go_but_never_what_the_file_last_said(
    store: MemoryStore, config: ConfigServiceAsync, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "KEPT", 3)
    file.write_text('{"risk": {"max_leverage": 2}}')
    await config.reload()
    for number in range(1, 9):
        await config.update({"risk": {"lookback": number}})
    assert [row.version for row in await rows(store)] == [1, 7, 8, 9]


def test_the_path_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_CONFIG", "/etc/trading.json")
    assert TradingSettings().config == "/etc/trading.json"


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


def test_the_page_lists_every_field() -> None:
    """`docs/configuration.md` is the table of the schema, for readers."""
    page = Path("docs/configuration.md").read_text()
    told = re.findall(r"^\| `([a-z_.]+)` \| (.*?) \| (.*?) \| (.*?) \|", page, re.MULTILINE)
    fields = [
        (
            field.name,
            "" if field.default is None else f"`{dumps(field.default)}`",
            field.rule.text,
            f"`{field.upper}`" if field.upper else "",
        )
        for field in FIELDS.values()
    ]
    assert told == fields


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), _json))
def test_any_document_is_read_and_whatever_is_in_force_is_sound(document: dict[str, Any]) -> None:
    config = trading_config(read_document(loads(dumps(document))))
    assert 0 < config.risk.max_position_size <= 1
    assert config.window.start_hour < config.window.end_hour
