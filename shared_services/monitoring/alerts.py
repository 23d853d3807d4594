"""Alerts: what an operator should hear of."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import uuid4

from shared_services.monitoring.tables import ALERTS, AlertRow
from shared_services.storage import Transaction

KEPT_MS: Final = 168 * 3_600_000  # as far back as clients may ask

_SWEEP: Final = 2  # old alerts that each new one removes: the table shrinks as fast as it grows


class Level(StrEnum):
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


def alert(level: Level, message: str, metadata: Mapping[str, object], now: int) -> AlertRow:
    """`metadata` holds what JSON can write, and no secret."""
    return AlertRow(uuid4().hex, now, level, message, json.dumps(metadata))


def record(tx: Transaction, row: AlertRow) -> None:
    """Keep the alert; whoever works in a transaction calls this in it."""
    for old in tx.find(ALERTS, order_by="at_ms", limit=_SWEEP):
        if old.at_ms <= row.at_ms - KEPT_MS:
            tx.delete(ALERTS, old.id)
    tx.add(ALERTS, row)
