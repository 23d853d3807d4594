"""What a subscriber is told. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, TypeAlias

from shared_services.errors import Unavailable
from shared_services.exchange.model import OrderBook, Ticker, Trade


class Channel(StrEnum):
    TICKER = "ticker"
    ORDERBOOK = "orderbook"
    TRADES = "trades"


Snapshot: TypeAlias = Ticker | OrderBook
Payload: TypeAlias = Snapshot | tuple[Trade, ...]
"""Trades are oldest first."""


@dataclass(frozen=True, slots=True)
class News:
    """`seq` counts what was produced for a subscription, from 1: a gap is what it did not get."""

    seq: int
    payload: Payload


@dataclass(frozen=True, slots=True)
class Outage:
    """The source fails; the subscription stays, and resumes by itself."""

    reason: str


Item: TypeAlias = News | Outage


class SubscriptionFailed(Unavailable):
    """The text is for the client."""

    code: ClassVar[str] = "subscription_failed"


def is_change(before: Snapshot | None, now: Snapshot) -> bool:
    """Whether a client that knows `before` learns anything; that time has passed is nothing."""
    return before is None or replace(before, timestamp=now.timestamp) != now
