"""When two answers to one request are equal, and else where they are not. Pure, total on any bytes.

1. Names of headers without case, order between names free, repeated lines kept; Set-Cookie as parsed cookies.
2. Not compared: Date, Server, Connection, Keep-Alive, and the number in Content-Length. But a stream must
   stay a stream: what is sent without a length is a difference from what has one.
3. Content-Type: type and charset without case. Allow, Vary, Access-Control-*: sets.
4. ETag: presence, strength and form; Last-Modified: presence. Location: resolved against the request, its
   scheme judged apart.
5. HEAD, 204, 304: headers only.
6. Where one answer is a success and the other is none, their contents have nothing in common: the status
   is the only difference that is named.
7. JSON: order of members, white space and the text of a number ignored; integer, float, string, bool and
   null are types. The order of a list counts.
8. Content-Encoding is decoded first. What changes by itself is masked: dates to come in cookies,
   signatures, boundaries.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from typing import Final

from gateway.shadow.bodies import decoded, parsed
from gateway.shadow.difference import ABSENT, Answer, Asked, Difference, Ignore, Kind, Shown
from gateway.shadow.formats import same_format
from gateway.shadow.heads import compare_heads, content_type
from gateway.shadow.walk import walk

CAP: Final = 1 << 20  # bytes; above it a body is compared by length and hash
_BOUNDARY: Final = re.compile(rb'boundary="?([^";,\s]+)')
_BODILESS: Final = frozenset({204, 304})
_ASKED: Final = Asked()


def compare(
    expected: Answer, got: Answer, asked: Asked = _ASKED, ignore: Collection[Ignore] = ()
) -> tuple[Difference, ...]:
    """Every place where `got` is not what was expected, each place and kind once, less what is ignored."""
    found: dict[tuple[str, Kind], Difference] = {}
    for difference in _differences(expected, got, asked):
        found.setdefault((difference.path, difference.kind), difference)
    return tuple(
        found[place] for place in sorted(found) if not any(i.hides(found[place]) for i in ignore)
    )


def _differences(expected: Answer, got: Answer, asked: Asked) -> Iterator[Difference]:
    if expected.status != got.status:
        path = f"status:{expected.status}-{got.status}"  # to accept one is not to accept another
        yield Difference(path, Kind.STATUS, expected.status, got.status)
        if expected.status // 100 != got.status // 100:
            return
    yield from compare_heads(expected, got, asked)
    if asked.method != "HEAD":
        yield from _bodies(expected, got)


def _bodies(expected: Answer, got: Answer) -> Iterator[Difference]:
    ours, theirs = _plain(expected), _plain(got)
    if expected.status in _BODILESS and ours:  # no server sends it
        return
    if ours == theirs:
        return
    if not ours or not theirs:
        kind = Kind.EXTRA if theirs else Kind.MISSING
        yield Difference("body", kind, _told(ours), _told(theirs))
    elif max(len(ours), len(theirs)) > CAP:
        kind = Kind.VALUE if len(ours) == len(theirs) else Kind.LENGTH
        yield Difference("body", kind, _told(ours), _told(theirs))
    else:
        yield from _contents(expected, got, ours, theirs)


def _contents(expected: Answer, got: Answer, ours: bytes, theirs: bytes) -> Iterator[Difference]:
    """Of two bodies that differ: JSON by its values, anything else as a whole."""
    if any("json" in content_type(answer)[0] for answer in (expected, got)):
        first, second = parsed(ours), parsed(theirs)
        if first is not None and second is not None:
            if not first.says(second):
                yield from walk(first.value, second.value)
            return
        if first is not None or second is not None:
            names = [_name(is_json=side is not None) for side in (first, second)]
            yield Difference("body", Kind.TYPE, *names)
            return
    first_text, second_text = _shown(ours), _shown(theirs)
    kind = Kind.VALUE if same_format(first_text, second_text) else Kind.FORMAT
    yield Difference("body", kind, first_text, second_text)


def _plain(answer: Answer) -> bytes:
    """The body decoded, with a fixed text for the boundary that its type names."""
    body = decoded(answer.body, answer.lines("content-encoding"), CAP)
    line = "".join(answer.lines("content-type")).encode("latin-1", "replace")
    boundary = _BOUNDARY.search(line)
    return body.replace(boundary[1], b"BOUNDARY") if boundary else body


def _told(body: bytes) -> Shown:
    """What is said of a body that is not shown."""
    return f"{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()[:16]}" if body else ABSENT


def _shown(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")


def _name(*, is_json: bool) -> str:
    return "JSON" if is_json else "no JSON"
