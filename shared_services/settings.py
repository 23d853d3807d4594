"""The settings of the trading services, read from the environment once at the entry."""

from decimal import Decimal
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

StartingBalance = Annotated[Decimal, Field(ge=0, le=10**12, decimal_places=8)]


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
    paper_seed: int = Field(
        default=1, ge=0, lt=2**63, description="Seed of the paper market: same seed, same prices."
    )
    paper_balances: dict[str, StartingBalance] = Field(
        default={"TESTUSD": Decimal(10_000)},
        description="What a new paper account starts with, currency to amount, as JSON.",
    )
