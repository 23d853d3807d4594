"""Whose turn it is to send with a key: what happens to the row, in transactions."""

from dataclasses import dataclass, replace
from typing import Final

from shared_services.nonces.tables import NONCES, NonceRow
from shared_services.storage.port import Reader, Transaction

LEASE_MS: Final = 5_000  # a process that dies in its turn blocks the key for so long
HEIR_MS: Final = 1_000  # and one that dies as heir for so long

_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `calls` (2 or more) in any 60 seconds, a quarter of them at once.

    The generic cell rate algorithm, a token bucket in one number: ITU-T I.371, annex A.
    """

    calls: int

    @property
    def burst(self) -> int:
        return max(1, self.calls // 4)

    @property
    def interval_us(self) -> int:
        """Between two calls once the burst is spent; rounded up."""
        return -(-_MINUTE_US // (self.calls - self.burst))

    def wait_ms(self, whole_us: int, now_ms: int) -> int:
        """How long until one more call fits, when the budget is whole again at `whole_us`."""
        room_us = (self.burst - 1) * self.interval_us
        return max(0, -(-(self._believed(whole_us, now_ms) - room_us - now_ms * 1000) // 1000))

    def spent(self, whole_us: int, now_ms: int) -> int:
        """When it is whole again after a call now."""
        return max(self._believed(whole_us, now_ms), now_ms * 1000) + self.interval_us

    def _believed(self, whole_us: int, now_ms: int) -> int:
        """Now, if it is further away than clocks differ: ours was put back and must not stop us."""
        latest = now_ms * 1000 + self.burst * self.interval_us + _MINUTE_US
        return whole_us if whole_us <= latest else now_ms * 1000


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, at `now_ms`; `floor` is that time in the unit of the nonce."""

    key_id: str
    shown: str
    name: str
    now_ms: int
    floor: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A nonce, and with it the turn; or None, and how long the budget has no room for us."""

    nonce: int | None
    wait_ms: int = 0


def take(tx: Transaction, asker: Asker, budget: Budget) -> Answer:
    """Take the turn if it is free, else be its heir if it has none: nobody is passed over twice.

    Our own turn may be taken again: a cancelled `take` may have left it behind.
    """
    row = tx.get(NONCES, asker.key_id) or _first(asker)
    is_ours = row.owner == asker.name or not _runs(row.until_ms, asker.now_ms)
    may_inherit = row.heir == asker.name or not _runs(row.heir_until_ms, asker.now_ms)
    if not may_inherit:
        return Answer(None)
    wait_ms = budget.wait_ms(row.budget_us, asker.now_ms)
    if not is_ours or wait_ms:
        _inherit(tx, row, asker, wait_ms)
        return Answer(None, wait_ms)
    taken = _taken(row, asker, budget)
    tx.put(NONCES, taken)
    return Answer(taken.mark)


def keep(tx: Transaction, asker: Asker) -> None:
    """Go on with our turn, if nobody thought that we were dead."""
    row = tx.get(NONCES, asker.key_id)
    if row is not None and row.owner == asker.name:
        tx.put(NONCES, replace(row, until_ms=asker.now_ms + LEASE_MS))


def give_back(tx: Transaction, key_id: str, name: str) -> None:
    """Give back the turn, the claim to the next one, or nothing, whatever we have."""
    row = tx.get(NONCES, key_id)
    if row is not None and row.owner == name:
        row = replace(row, owner="", until_ms=0)
        tx.put(NONCES, row)
    if row is not None and row.heir == name:
        tx.put(NONCES, replace(row, heir="", heir_until_ms=0))


def all_keys(reader: Reader) -> list[NonceRow]:
    """Every key there is, the one used first at the front."""
    return reader.find(NONCES, order_by="first_ms")


def _runs(until_ms: int, now_ms: int) -> bool:
    """Nobody gets longer than two minutes: what ends later was written by another clock."""
    return now_ms < until_ms <= now_ms + 2 * _MINUTE_US // 1000


def _first(asker: Asker) -> NonceRow:
    return NonceRow(
        key_id=asker.key_id,
        shown=asker.shown,
        mark=0,
        total_requests=0,
        first_ms=asker.now_ms,
        last_request_ms=asker.now_ms,
        budget_us=0,
        owner="",
        until_ms=0,
        heir="",
        heir_until_ms=0,
    )


def _inherit(tx: Transaction, row: NonceRow, asker: Asker, wait_ms: int) -> None:
    """Written only if the claim is new or half over: who waits asks often."""
    until = asker.now_ms + wait_ms + HEIR_MS
    if row.heir != asker.name or until - row.heir_until_ms > HEIR_MS // 2:
        tx.put(NONCES, replace(row, heir=asker.name, heir_until_ms=until))


def _taken(row: NonceRow, asker: Asker, budget: Budget) -> NonceRow:
    return replace(
        row,
        mark=max(row.mark + 1, asker.floor),
        total_requests=row.total_requests + 1,
        last_request_ms=asker.now_ms,
        budget_us=budget.spent(row.budget_us, asker.now_ms),
        owner=asker.name,
        until_ms=asker.now_ms + LEASE_MS,
        heir="",
        heir_until_ms=0,
    )
