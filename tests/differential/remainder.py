"""What stays different, as data. Each entry must go on differing: one that has become equal fails.

`ON_PURPOSE`: gunicorn hands the app half a body, or a request whose meaning is in doubt; the gateway
refuses and no app is called. `OTHERWISE`: gunicorn does what a rule of the gateway forbids; the status is
the rule's. `REMAINDER`: the answer differs and no code of the gateway can or should
change it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tests.differential.campaign import Outcome
from tests.differential.compare import made_by_app
from tests.differential.counts import Verdict
from tests.differential.servers import BANYAN


@dataclass(frozen=True, slots=True)
class Listed:
    """One probe's difference. `what` is the first word of each line that differs."""

    probe: str
    what: frozenset[str]
    reason: str
    targets: tuple[str, ...] = BANYAN


_CUT: Final = "gunicorn calls the app with the half of the body that came"
_CHUNK: Final = "gunicorn finds the broken chunk while the app reads; here the app is not called"
_REMOTE: Final = ("remote",)
_CONNECTION: Final = "environ HTTP_CONNECTION"
_HOST: Final = "such a Host would change what an app takes for the URL of the request"

ON_PURPOSE: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "P122-cut",
            "P122-cut-json",
            "P122-cut-form",
            "P122-cut-before-a-byte",
            "P122-cut-and-not-read",
            "P128-cut-in-a-chunk",
            "P128-cut-between-chunks",
            "P128-cut-in-the-last-chunk",
            "P128-cut-json-in-a-chunk",
            "P128-cut-chunk-not-read",
        ),
        _CUT,
    ),
    **dict.fromkeys(
        ("B022-connect", "B022-connect-to-a-path"), "the gateway is no proxy for others"
    ),
    "B005-coding-gzip-chunked": "nobody takes the gzip off; gunicorn hands it to the app as it is",
    "B004-length-20-digits": "no body has that length; gunicorn calls the app with what came",
    **dict.fromkeys(
        (
            *(
                f"B006-chunk-{name}"
                for name in (
                    "sign",
                    "underscore",
                    "prefix",
                    "no-size",
                    "word",
                    "space-before",
                    "space-after",
                    "bare-lf",
                    "no-end",
                    "longer-than-said",
                    "bare-cr-in-an-extension",
                    "bare-lf-in-an-extension",
                    "empty-extension",
                    "other-terminator",
                    "17-digits",
                    "bad-and-not-read",
                )
            ),
            "B007-chunk-extension-of-64-000",
            "B008-trailer-broken",
        ),
        _CHUNK,
    ),
    **dict.fromkeys(
        (
            "B110-host-comma",
            "B110-host-at",
            "B110-host-slash",
            "B110-host-question-mark",
            "B110-host-hash",
            "B110-host-user-and-path",
        ),
        _HOST,
    ),
}

_HOP: Final = (
    "what concerns one connection ends with it (RFC 9110 §7.6.1); the next hop has its own"
)
_LENGTHS: Final = (
    "gunicorn sends a Content-Length that no client can read; an answer without one is right"
)

OTHERWISE: Final[dict[str, tuple[frozenset[int], str]]] = {
    "P133-script-name-underscored": (
        frozenset({200}),
        "gunicorn believes SCRIPT_NAME from this host; here no name with an underscore passes",
    ),
    "B008-trailer-of-a-length": (
        frozenset({200}),
        "trailers are read and dropped; gunicorn raises in the app that reads the body",
    ),
    **dict.fromkeys(
        ("B038-bare-two-other-lengths", "B038-bare-minus-length"),
        (frozenset({500, 502}), "gunicorn passes on a Content-Length that no client can read"),
    ),
}

REMAINDER: Final = (
    Listed(
        "B052-bare-replaced",
        frozenset({"content-type", "x-bare", "x-first", "framing"}),
        "gunicorn 27.0.1 keeps the headers of the first start_response; PEP 3333 has them replaced",
        ("in process", "process"),
    ),
    Listed(
        "B033-upgrade-to-a-websocket",
        frozenset({"made by"}),
        "a broken handshake is refused by the server, with 400 as Flask would; WSGI knows no WebSockets",
    ),
    Listed("B038-bare-two-lengths", frozenset({"framing"}), _LENGTHS, ("in process", "process")),
    Listed("B038-bare-two-lengths", frozenset({"status"}), _LENGTHS, _REMOTE),
    Listed(
        "B038-bare-proxy-connection", frozenset({"proxy-connection"}), _HOP, ("process", "remote")
    ),
    Listed(
        "B033-connection-nominates", frozenset({_CONNECTION, "environ HTTP_X_FOO"}), _HOP, _REMOTE
    ),
    Listed(
        "B033-hop-by-hop",
        frozenset({"environ HTTP_KEEP_ALIVE", "environ HTTP_PROXY_CONNECTION", "environ HTTP_TE"}),
        _HOP,
        _REMOTE,
    ),
    Listed("B033-upgrade", frozenset({_CONNECTION, "environ HTTP_UPGRADE"}), _HOP, _REMOTE),
    Listed("B005-coding-upper-case", frozenset({"json"}), _HOP, _REMOTE),
    Listed(
        "B034-100-fields",
        frozenset({"status"}),
        "with the hop's own fields they are more than gunicorn takes",
        _REMOTE,
    ),
)


def problem(outcome: Outcome, entries: Iterable[Listed] = REMAINDER) -> str:
    """What is wrong with an outcome, given what is listed; empty if nothing is."""
    entry = _entry(outcome, entries)
    if outcome.probe.id in ON_PURPOSE:
        return "" if refused(outcome) else f"must be refused: {ON_PURPOSE[outcome.probe.id]}"
    if outcome.probe.id in OTHERWISE:
        statuses, reason = OTHERWISE[outcome.probe.id]
        return "" if otherwise(outcome) else f"must be {sorted(statuses)}: {reason}"
    if entry is not None and what_differs(outcome) != entry.what:
        return f"listed as differing in {sorted(entry.what)}: {list(outcome.differences)}"
    return "" if entry is not None else "\n".join(outcome.differences)


def verdict(outcome: Outcome) -> Verdict:
    if outcome.probe.id in ON_PURPOSE and refused(outcome):
        return Verdict.REFUSED
    if outcome.probe.id in OTHERWISE and otherwise(outcome):
        return Verdict.REFUSED
    if outcome.equal:
        return Verdict.EQUAL
    return Verdict.CONTENT if outcome.same_status else Verdict.STATUS


def what_differs(outcome: Outcome) -> frozenset[str]:
    """The first word of each line: `status`, the name of a header, `body` …"""
    return frozenset(line.split(":", 1)[0] for line in outcome.differences)


def otherwise(outcome: Outcome) -> bool:
    """The one answer has a status that the rule allows, and gunicorn's has another."""
    statuses, _ = OTHERWISE[outcome.probe.id]
    (answer,) = outcome.got.finals
    return answer.status in statuses and not outcome.same_status


def refused(outcome: Outcome) -> bool:
    """No app saw the request: a refusal or a closed connection. Our own server reads no more from it."""
    if outcome.got.kept and outcome.target in BANYAN:
        return False
    return all(
        answer.status in {400, 408, 413, 431, 501} and not made_by_app(answer)
        for answer in outcome.got.finals
    )


def _entry(outcome: Outcome, entries: Iterable[Listed]) -> Listed | None:
    probe, target = outcome.probe.id, outcome.target
    return next((e for e in entries if e.probe == probe and target in e.targets), None)
