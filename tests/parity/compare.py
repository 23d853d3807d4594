"""When an answer of Flask and one of a port are equal: the rules of tests/differential, for two apps.

They are looser where two implementations may differ and no client can tell: an ETag counts by its
strength and form, Last-Modified by its presence. A connection that is kept or closed does not count.
A request that the server refused never reached an app: its status only. Everything else is the same,
and is done by the same code; here the answers are brought into the form in which it may see them.
"""

import re
from dataclasses import replace
from typing import Final
from urllib.parse import urljoin, urlsplit

from tests.differential import compare
from tests.differential.compare import made_by_app
from tests.differential.framing import Answer, Header
from tests.differential.probes.probe import HOST, Probe
from tests.differential.servers import Target
from tests.differential.wire import Conversation

# Rows that are about the bytes of a body that means the same.
BYTES: Final = frozenset({"P022", "P023", "P024"})
_OF_APP: Final = ("X-Bare", "1")  # what tells `compare` that no server made up the answer
_NEXT: Final = "the next answer on the connection"  # the naive port's follow-up is JSON
_HEX: Final = re.compile(r"[0-9a-f]{32,40}")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


def differences(
    probe: Probe, expected: Conversation, got: Conversation, reference: Target, target: Target
) -> list[str]:
    """What a client could tell apart, a line each; the first begins with `status` if statuses differ."""
    reached = any(made_by_app(answer) for answer in expected.finals)
    found = compare.differences(
        _plain(expected, reached=reached), _plain(got, reached=reached), reference, target
    )
    if not found and probe.row in BYTES:
        found += _bytes(expected, got)
    return found


def _bytes(expected: Conversation, got: Conversation) -> list[str]:
    pairs = zip(expected.finals, got.finals, strict=True)
    return [f"bytes: {a.body[:80]!r} → {b.body[:80]!r}" for a, b in pairs if a.body != b.body]


def _plain(talk: Conversation, *, reached: bool) -> Conversation:
    """Without what does not count; every answer is an app's, or none is."""
    answers = tuple(_comparable(answer, reached=reached) for answer in talk.finals)
    faults = tuple(fault for fault in talk.faults if not fault.startswith(_NEXT))
    return Conversation(answers, None, faults)


def _comparable(answer: Answer, *, reached: bool) -> Answer:
    if not reached:
        return Answer(answer.status, answer.reason, (), b"", "none")
    headers = [pair for header in answer.headers for pair in _header(*header)]
    return replace(answer, headers=(*headers, _OF_APP))


def _header(name: str, value: str) -> list[Header]:
    match name.lower():
        case "etag":
            return [(name, form(value))]
        case "last-modified":
            return [(name, "there")]
        case "location":
            url = urlsplit(urljoin(f"http://{HOST}/", value))
            return [(name, url._replace(scheme="").geturl()), ("Location-Scheme", url.scheme)]
        case _:
            return [(name, value)]


def form(tag: str) -> str:
    """An ETag without what it depends on: `"1700000000.0-13-123"` → `"N-N-N"`."""
    return _NUMBER.sub("N", _HEX.sub("HEX", tag))
