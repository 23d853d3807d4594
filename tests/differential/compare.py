"""When two answers are equal: the rules, applied to every target alike.

1. Names of headers without case, order between names free, repeated lines kept; Set-Cookie as parsed cookies.
2. Not compared: Date, Server, reason phrase, Connection, Keep-Alive; Content-Length when the bodies are
   equal. Chunks are taken off, but a stream must stay a stream: the presence of Transfer-Encoding counts.
3. Content-Type: type and charset without case. Allow, Vary, Access-Control-Allow-*: sets.
4. ETag and Last-Modified: the same app over the same files must give the same.
5. HEAD, 204, 304: headers only, Content-Length among them.
6. Location: resolved against the request, scheme and all.
7. Bodies byte by byte; JSON that differs so: by value and type, duplicate keys seen.
8. Content-Encoding is decoded first. What changes by itself is masked: the port a target listens on, dates
   to come in cookies, the time and signature of a session.
   An interim 100 is not compared: what waits for one and gets none never answers.
9. What a server refused, or made of a crashed app, never was an app's answer: its status only.

The gateway's own two headers are taken off first.
"""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urljoin

from tests.differential.framing import Answer
from tests.differential.probes.probe import HOST
from tests.differential.servers import Target
from tests.differential.twin import MADE_BY_APP
from tests.differential.wire import Conversation

_PROOF: Final = "x-served-by"
OURS: Final = (_PROOF, "x-request-id")
IGNORED: Final = frozenset(
    {*OURS, "date", "server", "connection", "keep-alive", "content-length", "set-cookie"}
)
_SETS: Final = ("allow", "vary", "access-control-allow-methods", "access-control-allow-headers")
_EXPIRES: Final = re.compile(r"(?i)(expires)=\w+, \d\d \w+ (?!1970)\d{4} [\d:]+ GMT")
_SIGNED: Final = re.compile(r"^(session=[^.;]*)\.[^.;]+\.[^;]+")
_MISSING: Final = ()  # JSON has no tuple
_VIA_HOP: Final = ("HTTP_X_FORWARDED_", "HTTP_FORWARDED", "HTTP_VIA")


def differences(
    expected: Conversation, got: Conversation, reference: Target, target: Target
) -> list[str]:
    """What a client could tell apart, a line each; the first begins with `status` if statuses differ."""
    if expected.statuses != got.statuses:
        return [f"status: {list(expected.statuses)} → {list(got.statuses)} {_joined(got.faults)}"]
    found: list[str] = []
    if expected.faults != got.faults:
        found.append(f"conversation: {_joined(expected.faults)} → {_joined(got.faults)}")
    for ours, theirs in zip(expected.finals, got.finals, strict=True):
        found += _answer(ours, theirs, reference, target)
    if _refused(expected) and got.kept:
        found.append("connection: closed → kept after a refusal")
    return found


def made_by_app(answer: Answer) -> bool:
    return any(name.lower() in MADE_BY_APP for name, _ in answer.headers)


def _refused(talk: Conversation) -> bool:
    """The parser refused it: what follows on the connection is in doubt. A 500 is an app's crash."""
    if talk.kept is not False or not talk.finals or made_by_app(talk.finals[-1]):
        return False
    return talk.finals[-1].status != 500


def _answer(expected: Answer, got: Answer, reference: Target, target: Target) -> list[str]:
    if target.gateway and made_by_app(got) and got.get(_PROOF) is None:
        return ["made by: the app → the app, past the gateway"]
    if made_by_app(expected) != made_by_app(got):
        who = ("a server", "the app")
        return [f"made by: {who[made_by_app(expected)]} → {who[made_by_app(got)]}"]
    if not made_by_app(expected):
        return _line("framing", expected.faults, got.faults)
    names = sorted({name.lower() for one in (expected, got) for name, _ in one.headers} - IGNORED)
    found = [
        line
        for name in names
        for line in _line(name, _header(expected, name, reference), _header(got, name, target))
    ]
    found += _line("cookies", _cookies(expected), _cookies(got))
    found += _line("framing", expected.faults, got.faults)
    if expected.framing == "none":
        length = "content-length"
        found += _line(length, expected.all(length), got.all(length))
    return found + _bodies(_body(expected, reference), _body(got, target), target)


def _line(name: str, expected: object, got: object) -> list[str]:
    return [] if expected == got else [f"{name}: {expected!r} → {got!r}"]


def _header(answer: Answer, name: str, target: Target) -> object:
    values = [_masked(value, target) for value in answer.all(name)]
    if name in _SETS:
        return {part.strip().lower() for value in values for part in value.split(",")} or None
    if name == "content-type":
        return [value.lower().replace(" ", "") for value in values]
    if name == "location":
        return [urljoin(f"http://{HOST}/", value) for value in values]
    return values


def _masked(text: str, target: Target) -> str:
    return re.sub(rf"(127\.0\.0\.1|localhost):{target.port}\b", r"\1:PORT", text)


def _cookies(answer: Answer) -> list[tuple[str, frozenset[str]]]:
    cookies = []
    for line in answer.all("set-cookie"):
        value = _EXPIRES.sub(r"\1=LATER", _SIGNED.sub(r"\1.SIGNED", line))
        first, *attributes = (part.strip() for part in value.split(";"))
        cookies.append((first, frozenset(attribute.lower() for attribute in attributes)))
    return cookies


def _body(answer: Answer, target: Target) -> bytes:
    body = answer.body
    if answer.get("content-encoding") == "gzip" and body:
        body = gzip.decompress(body)
    if b"127.0.0.1:" in body:
        body = _masked(body.decode("latin-1"), target).encode("latin-1")
    return body


def _bodies(expected: bytes, got: bytes, target: Target) -> list[str]:
    if expected == got:
        return []
    try:
        ours, theirs = _parsed(expected), _parsed(got)
    except ValueError:
        return [f"body: {_short(expected)} → {_short(got)}"]
    if isinstance(ours, dict) and isinstance(theirs, dict) and "wsgi.version" in ours:
        return _environs(ours, theirs, _VIA_HOP if target.name == "remote" else ())
    return list(_changed(ours, theirs))


def _environs(expected: dict[str, Any], got: dict[str, Any], masked: tuple[str, ...]) -> list[str]:
    """Only the keys that the request made; `test_environ.py` compares the others.

    `masked` is what a hop adds for the stack behind it.
    """
    names = sorted(k for k in {*expected, *got} if k.startswith(("HTTP_", "CONTENT_", "REQUEST_")))
    names += [
        "PATH_INFO",
        "QUERY_STRING",
        "RAW_URI",
        "SCRIPT_NAME",
        "SERVER_PROTOCOL",
        "REMOTE_ADDR",
    ]
    shown = [n for n in names if n != "HTTP_X_REQUEST_ID" and not n.startswith(masked)]
    return [x for n in shown for x in _line(f"environ {n}", expected.get(n), got.get(n))]


def _parsed(body: bytes) -> Any:
    return json.loads(body, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        return {"duplicate keys": pairs}
    return dict(pairs)


def _changed(expected: Any, got: Any, path: str = "$") -> Iterator[str]:
    """The places that differ. Types count: to Python, 1 == 1.0 == True; and NaN is no NaN's equal."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted({*expected, *got}):
            yield from _changed(
                expected.get(key, _MISSING), got.get(key, _MISSING), f"{path}.{key}"
            )
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for number, (ours, theirs) in enumerate(zip(expected, got, strict=True)):
            yield from _changed(ours, theirs, f"{path}[{number}]")
    elif (type(expected), repr(expected)) != (type(got), repr(got)):
        yield f"json: {path} {expected!r} → {got!r}"


def _short(body: bytes) -> str:
    return f"{len(body)} bytes {body[:80]!r}"


def _joined(faults: tuple[str, ...]) -> str:
    return "; ".join(faults) or "nothing wrong"
