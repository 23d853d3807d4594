"""The differences that are left on purpose, as `parity.yaml` has them: read again when the file changes."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import structlog

from gateway.parity.files import FileRefused
from gateway.parity.rules import Rule, read_rules
from gateway.shadow.difference import Difference

_log = structlog.get_logger()


class Accepted:
    """Of one worker; to be asked in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, tuple[Rule, ...]] = (
            0,
            (),
        )  # when the file was changed; what it says

    def without(
        self, found: Iterable[Difference], route: str, today: date
    ) -> tuple[Difference, ...]:
        """What no rule hides that still holds."""
        rules = [rule for rule in self._rules() if rule.names(route) and rule.holds(today)]
        return tuple(one for one in found if not any(rule.hides(one) for rule in rules))

    def _rules(self) -> tuple[Rule, ...]:
        """A file that cannot be used changes nothing, and is told once."""
        try:
            changed = self._path.stat().st_mtime_ns
        except OSError:
            changed = 0
        before, rules = self._read
        if changed != before:
            try:
                rules = read_rules(self._path)
            except FileRefused as error:
                _log.error("shadow.rules_refused", error=str(error))
            self._read = changed, rules
        return rules
