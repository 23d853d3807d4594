"""The closed sets of the glossary (CONTEXT.md): every label, log field and message uses these words."""

from enum import StrEnum
from typing import Final

UNMATCHED: Final = "unmatched"  # in place of a route's id: the label of what reaches no route


class _Word(StrEnum):
    """Hashed as the text it is: the hot path counts by words, and an enum's own hash is Python code."""

    __hash__ = str.__hash__


class Stack(_Word):
    """An app that can answer."""

    LEGACY = "legacy"
    MODERN = "modern"


class Phase(StrEnum):
    """The migration phase, one word in the plan."""

    PARALLEL = "parallel"
    GRADUAL = "gradual"
    FULL = "full"


class Signal(StrEnum):
    """What an event is, or what else may speak against modern."""

    ERROR = "error"
    CLIENT_ERROR = "client_error"
    SLOW = "slow"
    NEW_FINGERPRINT = "new_fingerprint"
    LAG = "lag"


class Action(StrEnum):
    """What follows when a signal speaks against modern."""

    ROLL_BACK = "roll_back"
    HOLD = "hold"
    IGNORE = "ignore"


class Reason(_Word):
    """Why a stack was taken, in the order in which the reasons are asked; the first that applies wins."""

    KILL_SWITCH = "kill_switch"
    PHASE = "phase"
    MODERN_MISSING = "modern_missing"
    LEGACY_MISSING = "legacy_missing"
    OVERRIDE = "override"
    PINNED = "pinned"
    BREAKER = "breaker"
    SPLIT = "split"
