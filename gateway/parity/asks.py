"""A request while it is made up: changed one thing at a time, then written as it goes over the wire. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from urllib.parse import quote, quote_from_bytes, urlencode

from gateway.door.rules import VARIABLE
from gateway.endpoints import Endpoint
from gateway.parity.model import Headers, Probe
from gateway.shadow.difference import Json

Query = tuple[tuple[str, str | bytes], ...]
BOUNDARY: Final = "banyan-parity"


class Spelled(StrEnum):
    """How the path of a request is written."""

    PLAIN = "plain"
    SLASH = "slash"  # at its end where the template has none, and not where it has one
    LEADING = "leading"  # two at its beginning
    DOUBLED = "doubled"  # two where the last one is


@dataclass(frozen=True, slots=True)
class Ask:
    """`query` may be a text, then it is sent as it is; so may be bytes in its values, percent-encoded."""

    method: str
    path: Mapping[str, str | bytes] = field(default_factory=dict)
    query: Query | str = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    spelled: Spelled = Spelled.PLAIN

    def with_query(self, name: str, *values: str | bytes) -> "Ask":
        """`name` has these values and no others."""
        if isinstance(self.query, str):
            return replace(
                self, query="&".join([self.query, urlencode([(name, v) for v in values])])
            )
        others = tuple(pair for pair in self.query if pair[0] != name)
        return replace(self, query=(*others, *((name, value) for value in values)))

    def with_path(self, name: str, value: str | bytes) -> "Ask":
        return replace(self, path={**self.path, name: value})

    def with_header(self, name: str, value: str | None) -> "Ask":
        """Replaces the header, whatever its case; None: it is not sent."""
        kept = {key: one for key, one in self.headers.items() if key.lower() != name.lower()}
        return replace(self, headers=kept if value is None else {**kept, name: value})

    def with_body(self, body: bytes, media: str | None) -> "Ask":
        return replace(self.with_header("Content-Type", media), body=body)

    def with_json(self, value: Json) -> "Ask":
        return self.with_body(json_bytes(value), "application/json")

    def probe(self, endpoint: Endpoint, what: str) -> Probe:
        """For the route `endpoint`, in its spelling."""
        query = (
            self.query if isinstance(self.query, str) else urlencode(self.query, quote_via=quote)
        )
        target = self._path(endpoint.template) + (f"?{query}" if query else "")
        return Probe(endpoint.id, what, self.method, target, self._headers(), self.body)

    def _path(self, template: str) -> str:
        filled = VARIABLE.sub(
            lambda found: _quoted(self.path[found[1]], "/" if found[2] == "path" else ""), template
        )
        match self.spelled:
            case Spelled.SLASH:
                return (filled.removesuffix("/") or "/") if filled.endswith("/") else filled + "/"
            case Spelled.LEADING:
                return "/" + filled
            case Spelled.DOUBLED:
                return "//".join(filled.rsplit("/", 1))
        return filled

    def _headers(self) -> Headers:
        sendable = (
            (name, value.encode().decode("latin-1")) for name, value in self.headers.items()
        )
        return tuple((name, value) for name, value in sendable if "\n" not in value)


def json_bytes(value: Json) -> bytes:
    """As a client writes it; dates of a YAML file become texts."""
    return json.dumps(value, default=str).encode("utf-8", "backslashreplace")


def multipart(fields: Mapping[str, str], files: Mapping[str, str]) -> bytes:
    """RFC 7578, with BOUNDARY."""
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    parts += [
        f'name="{name}"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n{content}'
        for name, content in files.items()
    ]
    lines = [f"--{BOUNDARY}\r\nContent-Disposition: form-data; {part}\r\n" for part in parts]
    return "".join([*lines, f"--{BOUNDARY}--\r\n"]).encode()


def _quoted(value: str | bytes, safe: str) -> str:
    if isinstance(value, bytes):
        return quote_from_bytes(value, safe)
    return quote(value, safe)
