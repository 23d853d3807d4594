"""What a request was to the gateway, told to a stack that runs in a process of its own.

One HTTP hop lies between the two that the app must not see: its client is the real one, and so are the
protocol's version, the scheme and every header. They travel in one header that no client can send: its
name is the gateway's own, and whatever a client sends under such a name is dropped before.
"""

import json
import re
from functools import lru_cache
from typing import Any, Final

from gateway.head import OURS, Header
from gateway.messages import DOOR, Scope

_NAME: Final = b"x-banyan-scope"
_TARGET: Final = "banyan.target"
_SHORT: Final = 256  # bytes; what is told of a target or of headers is of one request
_RAW: Final = re.compile(rb"[\x80-\xff]")
Peer = tuple[str, int | None] | None


def tame(scope: Scope) -> Scope:
    """With a target that the process's parser takes: some servers let raw bytes through, it does not."""
    target = {"raw_path": scope.get("raw_path") or b"", "query_string": scope["query_string"]}
    if target["raw_path"].isascii() and target["query_string"].isascii():
        return scope
    told = {name: part.decode("latin-1") for name, part in target.items()}
    quoted = {name: _RAW.sub(_quoted, part) for name, part in target.items()}
    return {**scope, **quoted, _TARGET: {**told, "path": scope["path"]}}


class Envelope:
    """Adds the header to what the process is asked (`remote.request.Introduce`)."""

    def __call__(self, scope: Scope, headers: list[Header]) -> list[Header]:
        """`headers` and what else is to be known; the headers as they were, if those are others."""
        original: list[Header] = scope["headers"]
        if OURS in b",".join(dict(original)):  # WebSockets: nobody has dropped them before
            original = [header for header in original if not header[0].startswith(OURS)]
            headers = [header for header in headers if not header[0].startswith(OURS)]
        if headers != original and _only_kept_alive(original, headers):
            headers = original  # true of this hop as well
        facts = _facts_of(scope)
        if headers != original or scope["type"] == "websocket":  # whose handshake is each hop's own
            told = [[part.decode("latin-1") for part in header] for header in original]
            facts = facts[:-1] + b',"headers":' + _compact(told) + b"}"
        return [*headers, (_NAME, facts)]

    def lines(self, scope: Scope, _host: bytes) -> bytes:
        return b"%b: %b\r\n" % (_NAME, _facts_of(scope))


def unseal(scope: Scope) -> Scope:
    """The scope as the gateway saw it."""
    headers: list[Header] = scope["headers"]
    sealed = next(value for name, value in reversed(headers) if name == _NAME)
    told = dict(_opened(sealed)) if len(sealed) <= _SHORT else _open(sealed)
    original = told.pop("headers", None)
    if original is None:
        headers = [header for header in headers if header[0] != _NAME]
    else:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in original]
    for name, value in told.pop("target", {}).items():
        told[name] = value if name == "path" else value.encode("latin-1")
    return {**scope, **told, "headers": headers}


@lru_cache(maxsize=1024)
def _opened(sealed: bytes) -> dict[str, Any]:
    """Most are those of the connection's last request. Not to be written into."""
    return _open(sealed)


def _open(sealed: bytes) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sealed)
    for name in ("client", "server"):
        told[name] = told[name] and tuple(told[name])
    return told


def _only_kept_alive(original: list[Header], headers: list[Header]) -> bool:
    """Whether `Connection: keep-alive` is all that was left out."""
    lines = [header for header in original if header[0] == b"connection"]
    return all(value.lower() == b"keep-alive" for _, value in lines) and (
        headers == [header for header in original if header[0] != b"connection"]
    )


def _quoted(raw: re.Match[bytes]) -> bytes:
    return b"%%%02X" % raw[0][0]


def _facts_of(scope: Scope) -> bytes:
    client, server = scope.get("client"), scope.get("server")
    facts = _facts(
        scope["http_version"],
        scope.get("scheme", "http"),
        client and tuple(client),
        server and tuple(server),
    )
    if DOOR in scope:
        facts = facts[:-1] + b',"banyan.door":' + _compact(scope[DOOR]) + b"}"
    if _TARGET in scope:
        facts = facts[:-1] + b',"target":' + _compact(scope[_TARGET]) + b"}"
    return facts


@lru_cache(maxsize=1024)
def _facts(version: str, scheme: str, client: Peer, server: Peer) -> bytes:
    """The same for all requests of a client's connection."""
    return _compact({"http_version": version, "scheme": scheme, "client": client, "server": server})


def _compact(told: Any) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()
