"""The bot as clients see it."""

from dataclasses import dataclass
from enum import StrEnum


class BotState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    ERROR = "error"
    """Only in the refusal of a start."""


@dataclass(frozen=True, slots=True)
class BotStatus:
    """Times in ms since 1970 UTC, `uptime` in seconds; `error` is why the latest run ended."""

    status: BotState
    thread_alive: bool
    cycle_count: int
    uptime: float
    last_update: int | None
    last_cycle_time: int | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class BotReply:
    """What became of a start or a stop."""

    message: str
    status: BotState
    success: bool
