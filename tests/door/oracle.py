"""Werkzeug as the oracle: what its map makes of a request, and what the front door does."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, RequestRedirect, Rule

from gateway.door.outcome import outcome
from gateway.door.rules import Door
from gateway.door.url_map import front_door, template_of
from gateway.routes import Route
from gateway.routing import RouteTable
from gateway.words import Phase

HOST = "h.example"
Answer = tuple[Any, ...]  # ("view", template) | (308, path) | (404,) | (405, methods)


class App:
    """What `front_door` looks at; Flask's own OPTIONS are marked as Flask marks them."""

    def __init__(self, rules: Sequence[Rule], **options: Any) -> None:
        self.url_map = Map(rules, **options)


def table_of(door: Door) -> RouteTable:
    """Every rule is a route that both stacks serve."""
    routes = {
        (method, rule.template): Route(method, rule.template, legacy=True, modern=True)
        for rule in door.rules
        for method in rule.methods or ("*",)
    }
    return RouteTable(tuple(routes.values()), Phase.GRADUAL, door=door)


class Pair:
    """One map on both sides."""

    def __init__(self, app: App) -> None:
        self._adapter = app.url_map.bind(HOST)
        door = front_door(app)
        assert door is not None
        self.table = table_of(door)
        self._merge = door.merge_slashes

    def werkzeug(self, method: str, path: str) -> Answer:
        try:
            rule, _ = self._adapter.match(path, method, return_rule=True)
        except RequestRedirect as redirect:
            return 308, redirect.new_url.removeprefix(f"http://{HOST}")
        except MethodNotAllowed as refused:
            return 405, tuple(sorted(refused.valid_methods or ()))
        except NotFound:
            return (404,)
        return "view", template_of(rule)

    def door(self, method: str, path: str) -> Answer:
        """Both ways to ask it: a match is a view, and everything else is an outcome."""
        matched = self.table.match(method, path)
        said = outcome(self.table.trie, method, path, "", merge_slashes=self._merge)
        assert (matched is None) == (said is not None)
        if said is None:
            assert matched is not None
            return "view", matched.route.template
        if said.status == 308:
            return 308, quote(said.location, safe="!$&'()*+,/:;=@")
        return (405, said.allow) if said.status == 405 else (said.status,)
