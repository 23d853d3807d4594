"""Alerts: what an operator should hear of."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import Final

import anyio

from shared_services.monitoring.tables import ALERTS, AlertRow
from shared_services.storage import Reader, Store, Transaction
from shared_services.storage.errors import StoreUnavailable

KEPT_MS: Final = 168 * 3_600_000  # as far back as clients may ask
KEPT: Final = 10_000
PATIENCE: Final = 1.0  # seconds that a request waits for an alert to be written

_SWEEP: Final = 2  # old alerts that each new one removes: the table shrinks as fast as it grows
_DIGITS: Final = 18  # of the numbers that alerts have as ids: text sorts like the numbers


class Level(StrEnum):
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"


def alert(level: Level, message: str, metadata: Mapping[str, object], now: int) -> AlertRow:
    """`metadata` holds what JSON can write, and no secret; its number comes with `record`."""
    return AlertRow("", now, level, message, json.dumps(metadata))


def record(tx: Transaction, row: AlertRow) -> None:
    """Keep the alert; whoever works in a transaction calls this in it."""
    number = _newest(tx) + 1
    for old in tx.find(ALERTS, order_by="id", limit=_SWEEP):
        if int(old.id) <= number - KEPT or old.at_ms <= row.at_ms - KEPT_MS:
            tx.delete(ALERTS, old.id)
    tx.add(ALERTS, replace(row, id=f"{number:0{_DIGITS}}"))


def record_once(tx: Transaction, row: AlertRow, since: int) -> None:
    """Keep the alert unless one with its message has been kept since then (ms)."""
    told = tx.find(ALERTS, message=row.message, order_by="id", descending=True, limit=1)
    if not any(one.at_ms >= since for one in told):
        record(tx, row)


def newest(reader: Reader, limit: int, level: Level | None, since: int) -> list[AlertRow]:
    """Those kept since then (ms), the newest first."""
    only = {} if level is None else {"level": level.value}
    rows = reader.find(ALERTS, order_by="id", descending=True, limit=limit, **only)
    recent = [row for row in rows if row.at_ms >= since]
    return sorted(recent, key=lambda row: (row.at_ms, row.id), reverse=True)


async def tell_once(store: Store, row: AlertRow, since: int) -> None:
    """As `record_once`, for whoever is in no transaction; in vain if the store fails now."""
    with suppress(StoreUnavailable), anyio.move_on_after(PATIENCE):
        await store.transaction(record_once, row, since)


def _newest(reader: Reader) -> int:
    rows = reader.find(ALERTS, order_by="id", descending=True, limit=1)
    return int(rows[0].id) if rows else 0
