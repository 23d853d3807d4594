"""What a cycle leaves behind: transaction functions, each all or nothing.

The count of cycles, the count of the day's decisions, the alert and the order that is to follow are
written together, by whoever still has the run. So a crash at any moment loses no decision, counts none
twice and orders nothing twice: whoever takes over finds the order pending, under the same key.
"""

import json
from dataclasses import replace

from shared_services.bot import runs
from shared_services.bot.model import Decision, Turn
from shared_services.bot.runs import RunOver
from shared_services.bot.tables import BOT, BOT_DAYS, BotDayRow, BotRow
from shared_services.monitoring.alerts import Level, alert, record
from shared_services.storage import Transaction
from shared_services.wire import number, utc_day


def book(tx: Transaction, turn: Turn, decision: Decision) -> Turn:
    """Record what was decided, within the limit of the day; the turn with what is left to do.

    Raises RunOver.
    """
    row = _begun(tx, turn)
    if decision.should_execute and not _count(tx, utc_day(turn.at), decision.daily_limit):
        decision = _refused(decision)
    pending = None if decision.order is None else json.dumps(decision.order)
    tx.put(BOT, _ended(row, turn, pending))
    record(tx, alert(Level.INFO, "Bot decision", _told(turn, decision), turn.at))
    return replace(turn, pending=pending)


def book_failure(tx: Transaction, turn: Turn, reason: str) -> None:
    """The cycle failed, and the bot goes on; raises RunOver."""
    tx.put(BOT, _ended(_begun(tx, turn), turn, None))
    _record_failure(tx, turn, reason)


def settle(tx: Transaction, turn: Turn, failure: str | None) -> None:
    """The pending order is no longer ours to place; raises RunOver."""
    row = runs.confirmed(tx, turn.run, turn.owner)
    tx.put(BOT, replace(row, pending=None))
    if failure is not None:
        _record_failure(tx, turn, failure)


def end(tx: Transaction, turn: Turn, error: str, now: int) -> None:
    """A defect ends the run; raises RunOver."""
    runs.fail(tx, turn.run, turn.owner, error, now)
    record(tx, alert(Level.ERROR, "Bot stopped", {"reason": error}, now))


def _begun(tx: Transaction, turn: Turn) -> BotRow:
    """The row before this cycle, which nobody else has worked on in the meantime."""
    row = runs.confirmed(tx, turn.run, turn.owner)
    if row.cycle_count != turn.number - 1:
        raise RunOver
    return row


def _ended(row: BotRow, turn: Turn, pending: str | None) -> BotRow:
    return replace(
        row,
        cycle_count=turn.number,
        last_cycle_ms=turn.at,
        updated_ms=turn.at,
        pending=pending,
    )


def _count(tx: Transaction, day: str, limit: int) -> bool:
    """Count one more decision to trade; False if the day has had its `limit`."""
    row = tx.get(BOT_DAYS, day)
    if row is None:
        row = BotDayRow(day, trades=0)
        for old in tx.find(BOT_DAYS):
            tx.delete(BOT_DAYS, old.day)
    if row.trades >= limit:
        return False
    tx.put(BOT_DAYS, replace(row, trades=row.trades + 1))
    return True


def _refused(decision: Decision) -> Decision:
    reason = f"Maximum number of trades per day ({decision.daily_limit}) reached"
    errors = (*decision.errors, reason)
    return replace(decision, errors=errors, should_execute=False, order=None)


def _told(turn: Turn, decision: Decision) -> dict[str, object]:
    told: dict[str, object] = {
        "cycle": turn.number,
        "symbol": decision.symbol,
        "action": decision.action,
        "amount": number(decision.amount),
        "price": number(decision.price),
        "confidence": decision.confidence,
        "risk_score": decision.risk_score,
        "errors": list(decision.errors),
        "should_execute": decision.should_execute,
    }
    if decision.skipped:
        told["skipped"] = dict(decision.skipped)
    if decision.order is not None:
        told["order"] = dict(decision.order)
    return told


def _record_failure(tx: Transaction, turn: Turn, reason: str) -> None:
    metadata = {"cycle": turn.number, "reason": reason}
    record(tx, alert(Level.ERROR, "Bot cycle failed", metadata, turn.at))
