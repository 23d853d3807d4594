"""Patterns of routes: `* /api/orders` is every method, `GET /api/**` everything below. Pure."""

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
