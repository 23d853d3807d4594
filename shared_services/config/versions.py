"""The versions of the configuration in the store: a new one is what its predecessor becomes.

Transaction functions. Each reads the newest version and adds the next one in the same
transaction, so that of two writers at once the second changes what the first has written.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from shared_services.config.document import dumps, loads
from shared_services.config.tables import CONFIG_VERSIONS, ConfigVersionRow
from shared_services.jsonbody import JsonObject
from shared_services.storage import Reader, Transaction

KEPT: Final = 1000  # the newest versions; beyond, only what was last taken from the file


class Source(StrEnum):
    FILE = "file"
    API = "api"


def newest(reader: Reader) -> ConfigVersionRow | None:
    """None as long as there is no version: the shipped configuration is in force."""
    return _last(reader)


def take_first(tx: Transaction, now: int, file: JsonObject) -> bool:
    """Take the file over if there is no version yet; whether it was."""
    if _last(tx) is not None:
        return False
    _add(tx, ConfigVersionRow(1, now, Source.FILE, dumps(file)))
    return True


def take_changed(tx: Transaction, now: int, file: JsonObject) -> bool:
    """Take the file over if it is not what was last taken over; whether it was."""
    last, taken, text = _last(tx), _last(tx, source=Source.FILE), dumps(file)
    if taken is not None and taken.document == text:
        return False
    _add(tx, ConfigVersionRow(_after(last), now, Source.FILE, text))
    return True


def change(tx: Transaction, now: int, edit: Callable[[JsonObject], JsonObject]) -> None:
    """What `edit` makes of the newest document; no new version if that is the same.

    An error of `edit` comes out unchanged, and nothing is written.
    """
    last = _last(tx)
    before = "{}" if last is None else last.document
    text = dumps(edit(loads(before)))
    if text != before:
        _add(tx, ConfigVersionRow(_after(last), now, Source.API, text))


def _last(reader: Reader, **equal: str) -> ConfigVersionRow | None:
    rows = reader.find(CONFIG_VERSIONS, order_by="version", descending=True, limit=1, **equal)
    return rows[0] if rows else None


def _after(last: ConfigVersionRow | None) -> int:
    return 1 if last is None else last.version + 1


def _add(tx: Transaction, row: ConfigVersionRow) -> None:
    """Add the version and forget what is now too old, but never what the file last said."""
    before = _last(tx, source=Source.FILE)
    tx.add(CONFIG_VERSIONS, row)
    after = _last(tx, source=Source.FILE)
    too_old = row.version - KEPT
    for version in {too_old} | ({before.version} if before else set()):
        if version <= too_old and (after is None or version != after.version):
            tx.delete(CONFIG_VERSIONS, version)
