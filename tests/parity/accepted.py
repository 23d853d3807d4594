"""What stays different, as data. A listed difference must go on differing in just that; an unlisted one fails.

`ACCEPTED` is for the port behind Banyan. `WITHOUT` is what the gateway or its server does for the port:
the port alone, under uvicorn, has to live without it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from tests.differential.campaign import Outcome
from tests.differential.counts import Verdict
from tests.differential.remainder import ON_PURPOSE, refused
from tests.parity.servers import BEHIND, KIT

REVIEWED: Final = date(2027, 1, 1)  # each entry is looked at again by then


class Owner(StrEnum):
    """Who would have to change for the difference to go."""

    LEGACY = "legacy"
    HANDLER = "handler"
    GATEWAY = "gateway"
    SERVER = "server"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One probe's difference. `what` is the first word of each line that differs."""

    probe: str
    what: frozenset[str]
    reason: str
    owner: Owner
    targets: tuple[str, ...]
    review: date = REVIEWED


# Here one stack acts on other data, or for another user, and nobody sees an error.
NEVER: Final = frozenset(
    {"P008", "P029", "P050", "P057", "P060", "P061", "P081", "P090", "P127", "P128", "P139"}
)

_STATUS: Final = "status"


def _all(owner: Owner, reason: str, what: str, *probes: str) -> Iterator[Accepted]:
    for probe in probes:
        yield Accepted(probe, frozenset(what.split(", ")), reason, owner, (KIT, BEHIND))


def _alone(owner: Owner, reason: str, what: str, *probes: str) -> Iterator[Accepted]:
    for entry in _all(owner, reason, what, *probes):
        yield replace(entry, targets=(KIT,))


ACCEPTED: Final[tuple[Accepted, ...]] = (
    *_all(
        Owner.LEGACY,
        "legacy crashes on a value that JSON lacks; no client can depend on a 500",
        _STATUS,
        *(
            f"{row}-{way}-{kind}"
            for way in ("type", "model")
            for row, kinds in (("P031", ("time", "timedelta")), ("P032", ("bytes", "set", "enum")))
            for kind in kinds
        ),
    ),
    *_all(Owner.LEGACY, "a view that returns nothing crashes in Flask", _STATUS, "P039-none"),
    *_all(
        Owner.LEGACY,
        "int() of junk crashes legacy; a refusal is what the client should have got",
        _STATUS,
        "P046-junk-integer",
    ),
    *_all(
        Owner.LEGACY,
        "legacy takes a list for an object and crashes; the port refuses",
        _STATUS,
        "P051-json-list",
    ),
    *_all(
        Owner.LEGACY,
        "JSON so deep crashes legacy; it is an attack, not a client",
        _STATUS,
        "P056-json-3-000-deep",
    ),
    *_all(
        Owner.GATEWAY,
        "legacy reads as much as its limit allows and calls that the body; the port refuses",
        _STATUS,
        "P055-chunked-over-the-limit",
    ),
    *_all(
        Owner.LEGACY,
        "legacy takes two Cookie lines for one cookie with a comma; the port reads both",
        "json",
        "P080-two-cookie-lines",
    ),
)

_RULES: Final = "only legacy's rules have it; from the day the gateway goes it is the port's own"
_EDGE: Final = "the gateway has gunicorn's limits and expectations; uvicorn has none"
_PROXY: Final = "the gateway takes the scheme from a trusted proxy; this server does not look"
_PARSER: Final = "httptools refuses or believes what gunicorn does not"

WITHOUT: Final[tuple[Accepted, ...]] = (
    *_alone(
        Owner.GATEWAY,
        _RULES,
        _STATUS,
        "P018-default-of-a-rule",
        "P018-lenient-slash",
    ),
    *_alone(Owner.GATEWAY, _PROXY, "location-scheme, body", "P004-slash-missing-behind-https"),
    *_alone(
        Owner.GATEWAY,
        _PROXY,
        "json",
        "P091-forwarded",
        "P091-forwarded-ssl",
        "P091-forwarded-protocol",
    ),
    *_alone(Owner.GATEWAY, _PROXY, _STATUS, "P091-forwarded-protos-at-odds"),
    *_alone(
        Owner.GATEWAY,
        _EDGE,
        _STATUS,
        "P119-unknown-expectation",
        "P119-expectation-of-a-get",
        "P119-empty-expectation",
        "P120-line-of-9-000",
        "P120-field-of-70-000",
        "P120-field-of-8-191",
        "B023-query-of-100-000",
        "B023-path-of-8-000",
    ),
    *_alone(
        Owner.SERVER,
        _PARSER,
        _STATUS,
        "P021-absolute-form-without-a-path",
        "P021-absolute-form-only-a-query",
        "P117-two-hosts",
        "P117-two-equal-hosts",
        "P124-unknown-method",
    ),
    *_alone(Owner.SERVER, "uvicorn sends 100 to HTTP/1.0", "conversation", "P118-expect-of-1.0"),
    *_alone(
        Owner.SERVER,
        "uvicorn sends chunks to HTTP/1.0",
        "transfer-encoding, framing",
        "P125-stream-to-1.0",
        "P125-stream-to-1.0-kept",
    ),
)

ALL: Final = (*ACCEPTED, *WITHOUT)


def problem(outcome: Outcome, entries: Iterable[Accepted] = ALL) -> str:
    """What is wrong with an outcome, given what is listed; empty if nothing is."""
    if outcome.probe.id in ON_PURPOSE:
        return "" if refused(outcome) else f"must be refused: {ON_PURPOSE[outcome.probe.id]}"
    entry = accepted(outcome, entries)
    if entry is None:
        return "\n".join(outcome.differences)
    if what_differs(outcome) != entry.what:
        return f"listed as differing in {sorted(entry.what)}: {list(outcome.differences)}"
    return ""


def accepted(outcome: Outcome, entries: Iterable[Accepted] = ALL) -> Accepted | None:
    """The entry of this probe and this target."""
    probe, target = outcome.probe.id, outcome.target
    return next((e for e in entries if e.probe == probe and target in e.targets), None)


def what_differs(outcome: Outcome) -> frozenset[str]:
    """The first word of each line: `status`, the name of a header, `body` …"""
    return frozenset(line.split(":", 1)[0] for line in outcome.differences)


def verdict(outcome: Outcome) -> Verdict:
    if outcome.probe.id in ON_PURPOSE and refused(outcome):
        return Verdict.REFUSED
    if outcome.equal:
        return Verdict.EQUAL
    return Verdict.CONTENT if outcome.same_status else Verdict.STATUS
