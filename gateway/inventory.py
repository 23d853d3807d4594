"""What both apps serve, read from the apps themselves."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from gateway.endpoints import Endpoint, Inventory, Served

_AUTOMATIC = frozenset({"HEAD", "OPTIONS"})  # they follow from the other methods
_KINDS = frozenset({"int", "float", "uuid", "path"})
_FLASK_VARIABLE = re.compile(r"<(?:(?P<kind>[A-Za-z_]\w*)(?:\(.*?\))?:)?(?P<name>\w+)>")


def flask_endpoints(app: Any) -> Served:
    """The rules of a Flask app's `url_map`."""
    url_map = getattr(app, "url_map", None)
    if url_map is None:
        return None
    rules = ((_flask_template(rule.rule), rule.methods or ()) for rule in url_map.iter_rules())
    return _endpoints(rules)


def fastapi_endpoints(app: Any) -> Served:
    """The routes of a FastAPI or Starlette app, those of included routers and mounts too."""
    routes = getattr(app, "routes", None)
    return None if routes is None else _endpoints(_fastapi_rules(routes))


def read_inventory(path: Path) -> Inventory | None:
    """What the last run left; None if there is none that can be read."""
    try:
        stored = json.loads(path.read_text())
        return Inventory(_from_json(stored["legacy"]), _from_json(stored["modern"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_inventory(path: Path, inventory: Inventory) -> None:
    """Replaces the file as a whole: a reader sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    stacks = {"legacy": inventory.legacy, "modern": inventory.modern}
    draft.write_text(json.dumps(stacks, indent=1) + "\n")
    draft.replace(path)


def _from_json(served: list[list[str]] | None) -> Served:
    return None if served is None else tuple(Endpoint(*pair) for pair in served)


def _endpoints(rules: Iterable[tuple[str, Iterable[str]]]) -> tuple[Endpoint, ...]:
    return tuple(
        Endpoint(method, template)
        for template, methods in rules
        for method in sorted(set(methods) - _AUTOMATIC)
    )


def _flask_template(rule: str) -> str:
    """`/x/<int(max=9):n>` → `/x/{n:int}`; a converter of the app's own counts as any segment."""
    return _FLASK_VARIABLE.sub(
        lambda found: (
            f"{{{found['name']}:{found['kind']}}}"
            if found["kind"] in _KINDS
            else f"{{{found['name']}}}"
        ),
        rule,
    )


def _fastapi_rules(routes: Any) -> Iterator[tuple[str, Iterable[str]]]:
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, Mount):
            yield f"{context.path}/{{rest:path}}", ("*",)
        elif context.methods is not None and context.path is not None:
            yield context.path, context.methods
