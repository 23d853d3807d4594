"""The bot as clients see it, and what it decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from shared_services.strategies.model import Action


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


@dataclass(frozen=True, slots=True)
class Turn:
    """Cycle `number` of a run, and who works on it; `at` (ms) is when it began.

    `pending` is the order it has decided on already: only that is left to do.
    """

    run: str
    owner: str
    number: int
    at: int
    pending: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a cycle came to; prices and amounts as of `action`, which may be to hold.

    `skipped` says why a strategy could not be asked. `order` is the body of the order to place;
    None if none is wanted, or the account has nothing to place it with.
    """

    symbol: str
    action: Action
    amount: Decimal
    price: Decimal
    confidence: float
    risk_score: float
    errors: tuple[str, ...]
    should_execute: bool
    skipped: Mapping[str, str]
    daily_limit: int
    order: Mapping[str, str] | None = None
