"""What the bot keeps in the store. Times in ms since 1970 UTC."""

from dataclasses import dataclass
from typing import Final

from shared_services.storage.port import Table


@dataclass(frozen=True, slots=True)
class BotRow:
    """The one bot. It runs if `wanted`; `owner` is the process that works, until `lease_until_ms`.

    `run` names one start-to-stop, so that a worker of an earlier run cannot write into a later one;
    `cycle_count` starts at 0 with each. `pending` is the body, as JSON, of the order that the latest
    cycle decided on, while nobody knows what became of it.
    """

    name: str
    wanted: bool
    run: str
    owner: str | None
    lease_until_ms: int
    started_ms: int
    updated_ms: int
    cycle_count: int
    last_cycle_ms: int | None
    pending: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class BotDayRow:
    """Decisions to trade on the UTC day `day` (2023-11-14)."""

    day: str
    trades: int


BOT: Final = Table("bot", BotRow, key=("name",))
BOT_DAYS: Final = Table("bot_days", BotDayRow, key=("day",))
