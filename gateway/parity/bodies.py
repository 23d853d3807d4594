"""Bodies for a route that takes one: wrong as a whole, then wrong in one member at a time. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from gateway.parity.asks import BOUNDARY, Ask, json_bytes, multipart
from gateway.parity.schema import Node, Schemas
from gateway.shadow.difference import Json

Case = tuple[str, Ask]

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"


def with_good_body(ask: Ask, bodies: Mapping[str, Node] | None, schemas: Schemas) -> Ask:
    """The plain request: every member that the schema names, with a value that fits."""
    for media, schema in (bodies or {}).items():
        good = schemas.good(schema)
        if "json" in media:
            return ask.with_body(json_bytes(good), media)
        if media == _FORM and isinstance(good, dict):
            return _form(ask, _texts(good))
        if media == _MULTIPART and isinstance(good, dict):
            return _multipart(ask, _texts(good), schemas.resolved(schema))
    return ask


def body_cases(
    ask: Ask, bodies: Mapping[str, Node] | None, schemas: Schemas
) -> list[Iterator[Case]]:
    """Groups of cases around the good body of `ask`; a budget takes from each in turn."""
    if bodies is None:
        return [_unwanted(ask)]
    groups = [_any(ask)]
    for media, schema in bodies.items():
        if "json" in media:
            good = _read(ask.body)
            groups += [_documents(ask, good), _members(ask, good, schema, schemas)]
        elif media in {_FORM, _MULTIPART}:
            groups.append(_fields(ask, media, schema, schemas))
    return groups


def _unwanted(ask: Ask) -> Iterator[Case]:
    yield "body: {} where none is wanted", ask.with_json({})
    yield "body: broken where none is wanted", ask.with_body(b'{"a', _JSON)


def _any(ask: Ask) -> Iterator[Case]:
    media = next(
        (value for name, value in ask.headers.items() if name.lower() == "content-type"), ""
    )
    yield "body: none", ask.with_body(b"", None)
    yield "body: empty", ask.with_body(b"", media)
    yield "body: as text/plain", ask.with_body(ask.body, "text/plain")
    yield "body: without a content type", ask.with_body(ask.body, None)
    yield "body: with a charset", ask.with_body(ask.body, f"{media}; charset=utf-8")
    yield "body: cut in half", ask.with_body(ask.body[: len(ask.body) // 2], media)


def _documents(ask: Ask, good: Json) -> Iterator[Case]:
    values: tuple[Json, ...] = ({}, [], None, "zzz", 1, [good])
    for value in values:
        yield f"body: {json.dumps(value)[:20]}", ask.with_json(value)
    yield "body: not UTF-8", ask.with_body(b'{"a": "\xff"}', _JSON)
    yield "body: with a byte order mark", ask.with_body(b"\xef\xbb\xbf" + ask.body, _JSON)
    yield "body: a form", ask.with_body(b"a=1", _FORM)
    yield "body: as +json", ask.with_body(ask.body, "application/vnd.api+json")


def _members(ask: Ask, good: Json, schema: Node, schemas: Schemas) -> Iterator[Case]:
    if not isinstance(good, dict):
        return
    node = schemas.resolved(schema)
    properties: Mapping[str, Node] = node.get("properties", {})
    required = {name: good[name] for name in node.get("required", ()) if name in good}
    if required != good:
        yield "body: required members only", ask.with_json(required)
    yield "body: one member more", ask.with_json({**good, "zz_unknown": 1})
    for name in good:
        rest = {key: value for key, value in good.items() if key != name}
        yield f"body {name}: missing", ask.with_json(rest)
    names = {**properties, **good}
    yield from in_turn([_values(ask, good, n, properties.get(n, {}), schemas) for n in names])


def _values(
    ask: Ask, good: dict[str, Json], name: str, member: Node, schemas: Schemas
) -> Iterator[Case]:
    for what, value in schemas.others(member):
        yield f"body {name}: {what}", ask.with_json({**good, name: value})


def _fields(ask: Ask, media: str, schema: Node, schemas: Schemas) -> Iterator[Case]:
    node = schemas.resolved(schema)
    good = schemas.good(schema)
    fields = _texts(good) if isinstance(good, dict) else {}
    make = _form if media == _FORM else lambda ask, texts: _multipart(ask, texts, node)
    yield f"{media}: one field more", make(ask, {**fields, "zz_unknown": "1"})
    for name in fields:
        rest = {key: value for key, value in fields.items() if key != name}
        yield f"{media} {name}: missing", make(ask, rest)
    for name, member in node.get("properties", {}).items():
        for what, text in schemas.texts(member):
            yield f"{media} {name}: {what}", make(ask, {**fields, name: text})


def in_turn(groups: Sequence[Iterator[Case]]) -> Iterator[Case]:
    """One of each, then the next of each."""
    waiting = list(groups)
    while waiting:
        for group in list(waiting):
            case = next(group, None)
            if case is None:
                waiting.remove(group)
            else:
                yield case


def _form(ask: Ask, fields: Mapping[str, str]) -> Ask:
    return ask.with_body(urlencode(fields).encode(), _FORM)


def _multipart(ask: Ask, fields: Mapping[str, str], node: Node) -> Ask:
    binary = {
        name
        for name, member in node.get("properties", {}).items()
        if member.get("format") == "binary" or "contentMediaType" in member
    }
    body = multipart(
        {name: value for name, value in fields.items() if name not in binary},
        {name: value for name, value in fields.items() if name in binary},
    )
    return ask.with_body(body, f"{_MULTIPART}; boundary={BOUNDARY}")


def _texts(good: dict[str, Json]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value) for name, value in good.items()
    }


def _read(body: bytes) -> Json:
    try:
        value: Json = json.loads(body)
    except ValueError:
        return None
    return value
