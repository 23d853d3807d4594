"""What was found out about the two stacks."""

from collections.abc import Iterator

from gateway.doctor.case import Case
from gateway.doctor.model import Finding, ok
from gateway.words import Stack


def check_stacks(case: Case) -> Iterator[Finding]:
    """Each is named, and can be loaded or reached."""
    for stack in Stack:
        yield from case.stacks[stack].result().findings


def check_debug(case: Case) -> Iterator[Finding]:
    """No debugger in the apps that are loaded."""
    loaded = [case.stacks[stack].result() for stack in Stack]
    found = [finding for one in loaded for finding in one.debug]
    asked = any(one.told is not None and one.told.served for one in loaded)
    yield from found or ([ok("no debugger in the apps")] if asked else [ok("no app to look into")])
