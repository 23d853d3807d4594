"""What both apps serve, read from the apps themselves, and kept in files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from gateway.atomic import replace_file
from gateway.door.url_map import front_door, served_rules, template_of
from gateway.endpoints import Endpoint, Inventory, Served, Told
from gateway.fastapi_facts import facts_of, routes_of

_INVENTORY: Final = TypeAdapter(Inventory)
_TOLD: Final = TypeAdapter(Told)


def told_by(app: Any) -> Told:
    """What a Flask, FastAPI or Starlette app tells; nothing of any other."""
    if hasattr(app, "url_map"):
        return Told(flask_endpoints(app), front_door(app))
    kit = tuple(getattr(getattr(app, "state", None), "flask_compatible", ()))
    return Told(fastapi_endpoints(app), kit=kit, facts=facts_of(app))


def flask_endpoints(app: Any) -> Served:
    """The rules of a Flask app's `url_map`; without the methods that follow from others."""
    url_map = getattr(app, "url_map", None)
    if url_map is None:
        return None
    return tuple(_endpoints((template_of(rule), _own(rule)) for rule in served_rules(url_map)))


def fastapi_endpoints(app: Any) -> Served:
    """The routes of a FastAPI or Starlette app, those of included routers and mounts too."""
    routes = getattr(app, "routes", None)
    if routes is None:
        return None
    rules: dict[str, list[str]] = {}
    for found in routes_of(app):
        rules.setdefault(found.path, []).append(found.method)
    return tuple(_endpoints(rules.items()))


def read_inventory(path: Path) -> Inventory | None:
    """What the last run left; None if there is none that can be read."""
    try:
        return _INVENTORY.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_inventory(path: Path, inventory: Inventory) -> None:
    """Raises OSError."""
    replace_file(path, _INVENTORY.dump_json(inventory, indent=1) + b"\n")


def told_from(document: str | bytes) -> Told:
    """What `told_as` wrote. Raises ValueError."""
    return _TOLD.validate_json(document)


def told_as(told: Told) -> str:
    """What one app tells, as JSON: for a file, or from process to process."""
    return _TOLD.dump_json(told).decode()


def _endpoints(rules: Iterable[tuple[str, Iterable[str]]]) -> Iterator[Endpoint]:
    for template, methods in rules:
        for method in sorted(methods):
            if method != "HEAD" or "GET" not in methods:  # it follows
                yield Endpoint(method, template)


def _own(rule: Any) -> Iterable[str]:
    """A rule's methods, but for an OPTIONS that Flask answers."""
    if rule.methods is None:
        return ("*",)
    automatic = getattr(rule, "provide_automatic_options", False)
    methods: frozenset[str] = frozenset(rule.methods)
    return methods - {"OPTIONS"} if automatic else methods
