"""What both apps serve, read from the apps themselves, and kept in files."""

from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from gateway.atomic import replace_file
from gateway.door.url_map import front_door
from gateway.endpoints import Endpoint, Inventory, Served, Told, endpoints_of, own_methods
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
    door = front_door(app)
    return None if door is None else endpoints_of(door)


def fastapi_endpoints(app: Any) -> Served:
    """The routes of a FastAPI or Starlette app, those of included routers and mounts too."""
    if getattr(app, "routes", None) is None:
        return None
    methods: dict[str, list[str]] = {}
    for found in routes_of(app):
        methods.setdefault(found.path, []).append(found.method)
    return tuple(
        Endpoint(method, path) for path, named in methods.items() for method in own_methods(named)
    )


def read_inventory(path: Path) -> Inventory | None:
    """What the last run left; None if there is none that can be read."""
    try:
        return _INVENTORY.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write_inventory(path: Path, inventory: Inventory) -> None:
    """Raises OSError."""
    replace_file(path, _INVENTORY.dump_json(inventory, indent=1) + b"\n")


def inventory_as(inventory: Inventory) -> str:
    """What both stacks serve, as JSON: for the store."""
    return _INVENTORY.dump_json(inventory).decode()


def inventory_from(document: str) -> Inventory:
    """What `inventory_as` wrote. Raises ValueError."""
    return _INVENTORY.validate_json(document)


def told_from(document: str | bytes) -> Told:
    """What `told_as` wrote. Raises ValueError."""
    return _TOLD.validate_json(document)


def told_as(told: Told) -> str:
    """What one app tells, as JSON: for a file, or from process to process."""
    return _TOLD.dump_json(told).decode()
