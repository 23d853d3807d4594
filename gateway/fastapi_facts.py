"""What a FastAPI app's routes say besides their paths: types, order, pages for developers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, Route

from gateway.door.rules import VARIABLE
from gateway.endpoints import Facts

_DOCS: Final = ("openapi_url", "docs_url", "redoc_url", "swagger_ui_oauth2_redirect_url")
_KINDS: Final[Mapping[Any, str]] = {
    int: "int",
    float: "float",
    UUID: "uuid",
    str: "string",
    bool: "bool",
}
_SAMPLES: Final = {"int": "7", "float": "1.5", "uuid": str(UUID(int=7)), "bool": "true"}


def facts_of(app: Any) -> Facts:
    """The facts of a FastAPI or Starlette app; none of any other."""
    routes = list(_contexts(getattr(app, "routes", ())))
    docs = {getattr(app, name, None) for name in _DOCS}
    return Facts(
        types={_id(method, route): types for method, route in routes if (types := _types(route))},
        shadowed=dict(_shadowed(routes)),
        docs=frozenset(_id(method, route) for method, route in routes if route.path in docs),
    )


def sample(template: str, types: Mapping[str, str]) -> str:
    """A path that a template takes, with values of its variables' types."""
    return VARIABLE.sub(
        lambda found: _SAMPLES.get(types.get(found["name"], found["kind"] or ""), "sample-7"),
        template,
    )


def _contexts(routes: Any) -> Iterator[tuple[str, Any]]:
    for context in iter_route_contexts(routes):
        if isinstance(context.original_route, Route) and context.path is not None:
            for method in sorted(context.methods or ()):
                yield method, context
        elif isinstance(context.original_route, Mount):
            yield "*", context


def _id(method: str, route: Any) -> str:
    return f"{method} {route.path}"


def _types(route: Any) -> dict[str, str]:
    """The declared types of path parameters, by the names of Werkzeug's converters."""
    dependant = (
        getattr(route, "dependant", None) if isinstance(route.original_route, Route) else None
    )
    return {
        field.alias: _KINDS.get(field.field_info.annotation, "other")
        for field in (dependant.path_params if dependant else ())
    }


def _shadowed(routes: Sequence[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Routes that an earlier one answers for: to Starlette the first that fits is the one."""
    for at, (method, route) in enumerate(routes):
        if isinstance(route.original_route, Mount):
            continue
        path = sample(route.path, _types(route))
        for other_method, other in routes[:at]:
            if other_method in {method, "*"} and other.path_regex.match(path):
                yield _id(method, route), _id(other_method, other)
                break
