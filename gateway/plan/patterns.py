"""Patterns of routes: `* /api/orders` is every method, `GET /api/**` everything below. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from gateway.endpoints import Endpoint, parse_endpoint


def is_pattern(route: str) -> bool:
    """Whether it may name more than one route."""
    return route.startswith("* ") or route.endswith("/**")


def rank(pattern: str) -> tuple[int, bool]:
    """What wins: the longer literal beginning, then a method over any method."""
    method, template = parse_endpoint(pattern)
    return len(template.partition("{")[0].partition("**")[0]), method != "*"


def matches(pattern: str, endpoint: Endpoint) -> bool:
    """Whether the pattern names the route; `/**` is the path itself and everything below."""
    method, template = parse_endpoint(pattern)
    if method not in {"*", endpoint.method}:
        return False
    if template.endswith("/**"):
        base = template.removesuffix("/**")
        return endpoint.template == base or endpoint.template.startswith(base + "/")
    return Endpoint("", template).shape == Endpoint("", endpoint.template).shape


class Patterns:
    """Many patterns: a route looks at those that may name it, not at all of them."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._at: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for number, pattern in enumerate(patterns):
            _, template = parse_endpoint(pattern)
            shaped = Endpoint("", template).shape[1]
            place = template if template.endswith("/**") else shaped
            self._at[place].append((number, pattern))

    def matching(self, endpoint: Endpoint) -> list[int]:
        """The numbers of those that name the route."""
        if not self._at:
            return []
        return [
            number
            for place in _places(endpoint)
            for number, pattern in self._at.get(place, ())
            if matches(pattern, endpoint)
        ]


def _places(endpoint: Endpoint) -> Iterator[str]:
    """The route's own template, and `/**` on it and on each path above it."""
    yield endpoint.shape[1]
    above = endpoint.template
    while above:
        yield f"{above}/**"
        above = above.rpartition("/")[0]
    yield "/**"
