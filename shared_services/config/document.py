"""The configuration as a JSON document whose numbers stay as they were written. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Final

from shared_services.config.schema import BRANCHES, STRATEGIES, Path
from shared_services.jsonbody import JsonObject, parse_object
from shared_services.rules import Value

MAX_SIZE: Final = 64 * 1024  # bytes: twenty times what is shipped


def loads(text: str) -> JsonObject:
    """What `dumps` wrote."""
    return parse_object(text.encode(), may_be_empty=True)


def dumps(value: object) -> str:
    """JSON, exact: `0.1` and `2.0` stay as they are, and so does the order of keys."""
    match value:
        case dict():
            pairs = (f"{json.dumps(name)}: {dumps(part)}" for name, part in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list():
            return f"[{', '.join(map(dumps, value))}]"
        case Decimal():
            return str(value) if value.is_finite() else f"{value:-.0f}"
        case _:
            return json.dumps(value)


def leaves(document: Mapping[str, object], at: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every value with its path: objects are opened where the schema has some, and only there."""
    for name, value in document.items():
        path = (*at, name)
        if path in BRANCHES and isinstance(value, dict):
            yield from leaves(value, path)
        else:
            yield path, value


def merged(document: JsonObject, changes: Mapping[Path, Value]) -> JsonObject:
    """`document` with `changes`, new keys last. Whatever is no object where one belongs goes."""
    result = deepcopy(document)
    for (*branch, key), value in changes.items():
        place = result
        for name in branch:
            child = place.get(name)
            if not isinstance(child, dict):
                child = place[name] = {}
            place = child
        place[key] = value
    return result


def ordered(document: JsonObject, strategies: Iterable[str]) -> JsonObject:
    """`document` with all `strategies` named in their order, so that a change cannot reorder them."""
    section = document.get(STRATEGIES)
    known = section if isinstance(section, dict) else {}
    named = {name: known.get(name, {}) for name in strategies}
    return document | {STRATEGIES: named | known}
