"""What is asked of each kind of rule, and how Flask's answer and the gateway's are told apart."""

from collections.abc import Mapping
from typing import Any, Final

from tests.door import apps
from tests.drive import Answer, AsgiTarget, Request, WsgiTarget

# What is asked of each kind of rule; P-rows of the parity table in their names.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "P001 unknown": ("/nope", "/nope/", "/json/more", "/static", "/items", "/path"),
    "P003 two views": ("/two", "/only-post"),
    "P004 slash missing": ("/slash", "/slash?a=1&b=%20x", "/items/3/parts", "/page", "/path/a/edit/"),
    "P005 slash too many": ("/noslash/", "/items/3/", "/slash/"),
    "P006 leading slashes": ("//json", "///json", "//slash", "//items/4", "//evil.example", "/%2Fjson"),
    "P007 slashes inside": ("/items//5", "/slash//", "/json//", "/items//abc", "/u//me"),
    "P008 integers": (
        "/items/3", "/items/05", "/items/-1", "/items/+5", "/items/%205", "/items/1_000", "/items/5.0",
        "/items/abc", "/items/" + "9" * 30,
    ),
    "P010 other digits": ("/items/%D9%A3", "/items/%D9%A3/parts", "/items/1%D9%A3/parts/", "/fl/%D9%A3.5"),
    "P011 floats": ("/fl/1.5", "/fl/1", "/fl/1e3", "/fl/nan", "/fl/-1.5"),
    "P012 uuids": (
        "/uu/00000000-0000-0000-0000-00000000000A", "/uu/0000000000000000000000000000000a", "/uu/x",
    ),
    "P013 paths": ("/path/", "/path/a//b", "/path/a%2Fb", "/path/a/edit", "/path/a/b/edit", "/path/edit"),
    "P016 docs": ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"),
    "P017 literal": ("/u/me", "/u/you", "/u/me/"),
    "P018 defaults": ("/page/", "/page/1", "/page/2", "/page/01"),
    "P018 any": ("/opt/a", "/opt/c", "/len/ab", "/len/abc", "/own/ab", "/own/AB"),
    "P018 bounds": ("/fixed/007", "/fixed/7", "/range/2", "/range/1", "/range/10", "/range/%D9%A3"),
    "P018 aliases": ("/alias", "/named", "/alias?a=1", "/moved", "/moved/3", "/moved/x"),
    "P018 either": ("/either", "/either/", "/either//"),
    "P015 options": ("/asked", "/silent", "/"),
    "P019 segments": ("/name/a%2Fb", "/name/a%252Fb", "/name/%FF", "/name/", "/name/a%20b%C3%A9", "/name/."),
    "static files": ("/static/a.txt", "/static/none", "/static/", "/static/a/../b"),
}  # fmt: skip
METHODS: Final = ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "FOO")


async def differing(app: Any, kind: str, *, hooks: bool) -> dict[tuple[str, str], Any]:
    """Where the gateway answers unlike Flask; `hooks`: modern has Flask's `after_request`."""
    flask, ours = WsgiTarget(apps.legacy()), AsgiTarget(app)
    found = {}
    for request in (Request(method, target) for method in METHODS for target in KINDS[kind]):
        expected, got = await flask.send(request), await ours.send(request)
        hooked = hooks or got.header("x-served-by") == "legacy"
        first, second = _told(expected, hooks=hooked), _told(got, hooks=hooked)
        if first != second:
            found[request.method, request.target] = first, second
    return found


def _told(answer: Answer, *, hooks: bool) -> dict[str, Any]:
    """What a client can tell two answers apart by."""
    allow = answer.header("allow")
    return {
        "status": answer.status,
        "allow": allow and set(allow.split(", ")),
        "location": answer.header("location"),
        "type": answer.header("content-type"),
        "body": answer.body,
        "length": answer.header("content-length"),
        "x-after": hooks and answer.header("x-after"),
    }
