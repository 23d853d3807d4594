"""Who works for the bot: transaction functions over its one row.

A run begins with a start and ends with a stop or a defect. It belongs to one process at a time, which
renews its lease; once the lease has expired, any other process that is able to work takes the run over.
What a worker does in the name of a run it confirms in the same transaction, so that one that stood still
for a while, or whose run was stopped, changes nothing.
"""

from dataclasses import replace
from typing import Final

from shared_services.bot.tables import BOT, BotRow
from shared_services.errors import BotNotStarted
from shared_services.storage import Reader, Transaction

NAME: Final = "bot"
LEASE_MS: Final = 6_000  # after the death of its owner, a run waits so long for another
RENEW_MS: Final = 2_000  # whoever lives gets three tries


class RunOver(Exception):
    """The run was stopped, or another process works for it."""


def current(reader: Reader) -> BotRow | None:
    """The latest run; None if there never was one."""
    return reader.get(BOT, NAME)


def has_worker(row: BotRow, now: int) -> bool:
    return row.wanted and row.owner is not None and row.lease_until_ms > now


def is_running(row: BotRow, now: int, *, able: bool) -> bool:
    """Somebody works for it, or whoever asks is `able` to and will within a second."""
    return has_worker(row, now) or (row.wanted and able)


def start(tx: Transaction, run: str, owner: str, now: int, *, able: bool) -> None:
    """Begin a run; raises BotNotStarted if there is one, or if the owner is not `able` to work."""
    row = current(tx)
    if row is not None and is_running(row, now, able=able):
        raise BotNotStarted("Bot is already running", status="running")
    if not able:
        reason = "exchange service not configured"
        raise BotNotStarted(f"Failed to start bot: {reason}", status="error")
    row = BotRow(
        name=NAME,
        wanted=True,
        run=run,
        owner=owner,
        lease_until_ms=now + LEASE_MS,
        started_ms=now,
        updated_ms=now,
        cycle_count=0,
        last_cycle_ms=None,
        pending=None,
        error=None,
    )
    tx.put(BOT, row)


def stop(tx: Transaction, now: int, *, able: bool) -> bool:
    """End the run; False if it was not running. A run that nobody works for ends as well."""
    row = current(tx)
    if row is None or not row.wanted:
        return False
    tx.put(BOT, _ended(row, now))
    return is_running(row, now, able=able)


def hold(tx: Transaction, owner: str, now: int) -> BotRow | None:
    """The run that `owner` works for from now on; None if there is none, or another has it."""
    row = current(tx)
    if row is None or not may_hold(row, owner, now):
        return None
    held = replace(row, owner=owner, lease_until_ms=now + LEASE_MS)
    tx.put(BOT, held)
    return held


def may_hold(row: BotRow, owner: str, now: int) -> bool:
    return row.wanted and (row.owner == owner or not has_worker(row, now))


def is_due(row: BotRow, owner: str, now: int) -> bool:
    """Whether `owner` should call `hold` now: to renew its lease, or to take the run over."""
    fresh = row.owner == owner and row.lease_until_ms - now > LEASE_MS - RENEW_MS
    return may_hold(row, owner, now) and not fresh


def give_back(tx: Transaction, owner: str) -> None:
    """Let another process take the run over at once."""
    row = current(tx)
    if row is not None and row.owner == owner:
        tx.put(BOT, replace(row, owner=None, lease_until_ms=0))


def confirmed(tx: Transaction, run: str, owner: str) -> BotRow:
    """The row, which is still that of `run` and `owner`; raises RunOver."""
    row = current(tx)
    if row is None or not row.wanted or (row.run, row.owner) != (run, owner):
        raise RunOver
    return row


def fail(tx: Transaction, run: str, owner: str, error: str, now: int) -> None:
    """End the run for a defect; raises RunOver."""
    tx.put(BOT, replace(_ended(confirmed(tx, run, owner), now), error=error))


def _ended(row: BotRow, now: int) -> BotRow:
    return replace(row, wanted=False, owner=None, lease_until_ms=0, pending=None, updated_ms=now)
