"""The settings of the trading services, read from the environment once at the entry."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

StartingBalance = Annotated[Decimal, Field(ge=0, le=10**12, decimal_places=8)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+$")]


def _ids(value: object) -> object:
    """`a, b` as its parts; anything else is validated as it is."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class TradingSettings(BaseSettings):
    """Prefix `TRADING_`; an empty variable counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix="TRADING_",
        env_ignore_empty=True,
        frozen=True,
        populate_by_name=True,
        extra="ignore",
    )

    exchange: str = Field(
        default="paper",
        min_length=1,
        validation_alias=AliasChoices("TRADING_EXCHANGE", "EXCHANGE_ID"),
        description="`paper`, or the id of a live exchange; never falls back to the other.",
    )
    bitfinex_api_key: SecretStr | None = Field(
        default=None,
        min_length=1,
        validation_alias=AliasChoices("BITFINEX_API_KEY", "TRADING_BITFINEX_API_KEY"),
        description="Key of the account on Bitfinex.",
    )
    bitfinex_api_secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        validation_alias=AliasChoices("BITFINEX_API_SECRET", "TRADING_BITFINEX_API_SECRET"),
        description="Secret of that key.",
    )
    exchange_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Where Bitfinex is asked, if not at its own addresses: a proxy, or a fake.",
    )
    exchange_sandbox: bool = Field(
        default=False,
        description="Use the exchange's sandbox; one that has none is not used at all.",
    )
    nonce_unit: Literal["ms", "us"] = Field(
        default="ms",
        description="What a new nonce counts; `us` for a key that was ever used with microseconds.",
    )
    calls_per_minute: int = Field(
        default=90,
        ge=2,
        le=10_000,
        description="Signed calls that all processes together make in any minute.",
    )
    orderbook_exchanges: Annotated[tuple[Id, ...], NoDecode, BeforeValidator(_ids)] = Field(
        default=(),
        description="Exchanges whose order books are shown, by comma; by default the one above.",
    )
    store: str = Field(
        default="sqlite:///var/trading.db",
        min_length=1,
        description="URL of the store: `sqlite:///…`, `postgresql+psycopg://…` or `memory://`.",
    )
    api_token: SecretStr | None = Field(
        default=None, description="If set, every known route asks for this token."
    )
    config: str = Field(
        default="config.json",
        min_length=1,
        description="The file a new store takes its configuration from; `POST /api/config/reload` "
        "takes it over again.",
    )
    bot_executes: bool = Field(
        default=False,
        description="The bot places the orders it decides on; otherwise it only records them.",
    )
    backtest_workers: int = Field(
        default=2, ge=1, le=64, description="Processes that work on backtests at the same time."
    )
    paper_seed: int = Field(
        default=1, ge=0, lt=2**63, description="Seed of the paper market: same seed, same prices."
    )
    paper_balances: dict[str, StartingBalance] = Field(
        default={"TESTUSD": Decimal(10_000)},
        description="What a new paper account starts with, currency to amount, as JSON.",
    )
