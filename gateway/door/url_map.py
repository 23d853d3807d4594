"""Reads the front door off a Flask app: its `url_map`, every rule with what its converters accept."""

import re
from collections.abc import Iterator
from typing import Any, Final

from gateway.door.rules import CONVERTERS, Converter, Door, DoorRule, Hosts, Turn

_SLASHES: Final = re.compile("/{2,}")


def front_door(app: Any) -> Door | None:
    """The rules of a Flask app (any app with a Werkzeug `url_map`); None if there is no map."""
    url_map = getattr(app, "url_map", None)
    if url_map is None:
        return None
    hosts = Hosts.NONE
    if url_map.host_matching:
        hosts = Hosts.HOST
    elif getattr(app, "subdomain_matching", False):
        hosts = Hosts.SUBDOMAIN
    return Door(
        tuple(_rule(rule, hosts) for rule in served_rules(url_map)),
        merge_slashes=url_map.merge_slashes,
        hosts=hosts,
        server_name=(getattr(app, "config", {}).get("SERVER_NAME") or "").lower(),
        default_subdomain=url_map.default_subdomain,
    )


def served_rules(url_map: Any) -> Iterator[Any]:
    """The rules that a request can reach, in the order in which Werkzeug asks them.

    `iter_rules` gives them by endpoint; only the matcher knows which of two equal ones came first.
    """
    url_map.update()
    return (rule for rule in _below(url_map._matcher._root) if not rule.websocket)


def _below(state: Any) -> Iterator[Any]:
    yield from state.rules
    for following in state.static.values():
        yield from _below(following)
    for _, following in state.dynamic:
        yield from _below(following)


def template_of(rule: Any, text: str | None = None) -> str:
    """`/x/<int(max=9):n>` → `/x/{n:int}`; a converter of the app's own counts as any segment."""
    text = rule.rule if text is None else text
    if rule.merge_slashes:
        text = _SLASHES.sub("/", text)
    return re.sub(
        r"<(?:[a-zA-Z_]\w*(?:\(.*?\))?:)?(\w+)>",
        lambda found: _variable(found[1], _converter(rule._converters[found[1]])),
        text,
    )


def _variable(name: str, converter: Converter) -> str:
    kind = converter.kind
    return f"{{{name}:{kind}}}" if kind in CONVERTERS and kind != "string" else f"{{{name}}}"


def _rule(rule: Any, hosts: Hosts) -> DoorRule:
    domain = {Hosts.NONE: "", Hosts.HOST: rule.host or "", Hosts.SUBDOMAIN: rule.subdomain or ""}
    if hosts is Hosts.NONE and (rule.subdomain or "") != rule.map.default_subdomain:
        domain[hosts] = rule.subdomain  # no request can reach it, here as there
    read = {name: _converter(one) for name, one in rule._converters.items()}
    return DoorRule(
        template_of(rule),
        None if rule.methods is None else frozenset(rule.methods),
        {name: one for name, one in read.items() if one != CONVERTERS.get(one.kind)},
        template_of(rule, domain[hosts]) if domain[hosts] else "",
        bool(rule.strict_slashes),
        bool(rule.merge_slashes),
        bool(getattr(rule, "provide_automatic_options", False)),
        tuple(_turns(rule)),
    )


def _converter(converter: Any) -> Converter:
    """A Werkzeug converter as data; one of the app's own is `custom`, or `opaque` if code reads its text."""
    kind = _kind(type(converter))
    number = kind in {"int", "float"}
    return Converter(
        kind,
        converter.regex,
        converter.weight,
        converter.part_isolating,
        (converter.fixed_digits or 0) if number else 0,
        converter.min if number else None,
        converter.max if number else None,
    )


def _kind(converter: type[Any]) -> str:
    if converter.__module__.startswith("werkzeug."):
        return _KINDS.get(converter.__name__, "custom")
    reads = converter.to_python.__qualname__ != "BaseConverter.to_python"
    return "opaque" if reads else "custom"


_KINDS: Final = {
    "UnicodeConverter": "string",
    "AnyConverter": "any",
    "PathConverter": "path",
    "IntegerConverter": "int",
    "FloatConverter": "float",
    "UUIDConverter": "uuid",
}


def _turns(rule: Any) -> Iterator[Turn]:
    """What the rule redirects: an alias, another rule's defaults, `redirect_to`."""
    url_map = rule.map
    if url_map.redirect_defaults:
        if rule.alias:
            yield Turn({}, _canonical_target(rule))
        for other in url_map._rules_by_endpoint[rule.endpoint]:
            if other is rule:
                break
            if other.provides_defaults_for(rule) and (values := _wanted(rule, other)) is not None:
                yield Turn(values, template_of(other))
    if rule.redirect_to is not None:
        yield Turn({}, _target(rule.redirect_to) if isinstance(rule.redirect_to, str) else "")


def _wanted(rule: Any, other: Any) -> dict[str, str] | None:
    """The values with which `rule` is the other rule's default; None if its own defaults say otherwise."""
    own = rule.defaults or {}
    if any(name in own and own[name] != value for name, value in other.defaults.items()):
        return None
    return {
        name: _as_text(rule._converters[name], value)
        for name, value in other.defaults.items()
        if name not in own
    }


def _as_text(converter: Any, value: Any) -> str:
    return (
        str(converter.to_url(value))
        if _converter(converter).kind in {"int", "float"}
        else str(value)
    )


def _canonical_target(rule: Any) -> str:
    """The template of the rule that an alias stands for."""
    for other in rule.map._rules_by_endpoint[rule.endpoint]:
        if not other.alias and other.arguments <= rule.arguments and not other.build_only:
            return template_of(other)
    return ""


def _target(redirect_to: str) -> str:
    """`new/<n>` → `/new/{n}`: Werkzeug joins it to the root of the app."""
    rooted = redirect_to if "://" in redirect_to else "/" + redirect_to.lstrip("/")
    return re.sub(r"<([^>]+)>", r"{\1}", rooted)
