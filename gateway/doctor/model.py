"""What is found, and how bad it is. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # it runs, worse than it could
    ERROR = "error"  # it does not start, loses something, or lets in whom it should not


class Topic(StrEnum):
    """What is looked at, in the order in which it is shown."""

    SETTINGS = "settings"
    STACKS = "stacks"
    DEBUG = "debug"
    PLAN = "plan"
    STORE = "store"
    CLOCK = "clock"
    PERMISSIONS = "permissions"
    CONTROL = "control plane"
    WORKERS = "workers"
    DISK = "disk"
    PYTHON = "python"
    DESCRIPTORS = "file descriptors"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, and what to do about it."""

    level: Level
    found: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A finding, under its topic."""

    topic: Topic
    finding: Finding


def ok(found: str) -> Finding:
    return Finding(Level.OK, found)


def warning(found: str, do: str) -> Finding:
    return Finding(Level.WARNING, found, do)


def error(found: str, do: str) -> Finding:
    return Finding(Level.ERROR, found, do)
