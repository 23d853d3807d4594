"""A line of the table of targets in docs/performance.md."""

from typing import NamedTuple


class Target(NamedTuple):
    """What was to be reached, and what was measured; what could not be measured is not met."""

    id: str
    what: str
    target: str
    measured: str
    met: bool
