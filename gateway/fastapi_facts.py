"""What a FastAPI app's routes say besides their paths: types, order, pages for developers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from fastapi.routing import iter_route_contexts
from starlette.routing import Mount, Route

from gateway.endpoints import Facts, sample

_DOCS: Final = frozenset({"openapi", "swagger_ui_html", "swagger_ui_redirect", "redoc_html"})
_KINDS: Final[Mapping[Any, str]] = {
    int: "int",
    float: "float",
    UUID: "uuid",
    str: "string",
    bool: "bool",
}


class Found(NamedTuple):
    """A route of an app, or of one that it mounts: method (`*`: any), whole path, and what it was made of."""

    method: str
    path: str
    context: Any

    @property
    def id(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(app: Any) -> list[Found]:
    """What a FastAPI or Starlette app serves by HTTP, in the order in which it is asked.

    A mount stands for whatever is below it, and the routes of a mounted app stand before it.
    """
    return list(_found(getattr(app, "routes", ()), ""))


def facts_of(app: Any) -> Facts:
    """The facts of a FastAPI or Starlette app; none of any other."""
    routes = routes_of(app)
    return Facts(
        types={one.id: types for one in routes if (types := _types(one))},
        shadowed=dict(_shadowed(routes)),
        docs=frozenset(one.id for one in routes if _is_docs(one.context)),
    )


def _found(routes: Any, prefix: str) -> Iterator[Found]:
    for context in iter_route_contexts(routes):
        route = context.original_route
        if isinstance(route, Mount):
            below = f"{prefix}{context.path}"
            yield from _found(route.routes, below)
            yield Found("*", f"{below}/{{rest:path}}", context)
        elif isinstance(route, Route) and context.path is not None:
            for method in sorted(context.methods or ()):
                yield Found(method, f"{prefix}{context.path}", context)


def _types(found: Found) -> dict[str, str]:
    """The declared types of path parameters, by the names of Werkzeug's converters or by their own."""
    if not isinstance(found.context.original_route, Route):
        return {}
    dependant = getattr(found.context, "dependant", None)
    return {
        field.alias: _kind(field.field_info.annotation)
        for field in (dependant.path_params if dependant else ())
    }


def _is_docs(context: Any) -> bool:
    """FastAPI's own pages, in a mounted app too; it names them and leaves them out of the schema."""
    return context.name in _DOCS and not getattr(context, "include_in_schema", True)


def _kind(annotation: Any) -> str:
    return _KINDS.get(annotation) or str(getattr(annotation, "__name__", annotation))


def _shadowed(routes: Sequence[Found]) -> Iterator[tuple[str, str]]:
    """Routes that an earlier one answers for: to Starlette the first that fits is the one."""
    for at, one in enumerate(routes):
        path = sample(one.path, _types(one))
        for other in routes[:at] if one.method != "*" else ():
            if other.method in {one.method, "*"} and _takes(other, path):
                yield one.id, other.id
                break


def _takes(found: Found, path: str) -> bool:
    """Whether Starlette's own pattern takes a path; below a mount it knows the end of it only."""
    if found.method == "*":
        return path.startswith(found.path.removesuffix("{rest:path}"))
    own = found.context.path
    prefix = found.path.removesuffix(own)
    return path.startswith(prefix) and bool(found.context.path_regex.match(path[len(prefix) :]))
