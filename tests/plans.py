"""Plans as people write them, for property tests: block and flow, comments, quotes, line ends."""

from typing import Any

from hypothesis import strategies as st

from gateway.plan.diff import changes
from gateway.plan.document import parse

Spec = dict[str, Any]  # what a plan says; `rules` by route

ROUTES = (
    "GET /api/balances",
    "GET /api/orders/{order_id}",
    "POST /api/orders",
    "PUT /api/items/{a}/{rest:path}",
    "* /api/backtest/**",
    "GET /api/**",
    "* /",
)
NUMBERS = (0, 1, 5, 25, 0.5, 0.005, 12.345, 99.999, 100)

_rules = st.fixed_dictionaries(
    {"modern": st.sampled_from(NUMBERS)},
    optional={
        "cohort": st.sampled_from(["orders", "Ä # b", "12", "true", "a: b", '"x"', "{x}"]),
        "failover": st.sampled_from(["safe", "never"]),
    },
)
_defaults = st.fixed_dictionaries(
    {},
    optional={
        "modern": st.sampled_from(NUMBERS),
        "cohort": st.sampled_from(["migration", "other"]),
        "unit": st.sampled_from([["client"], ["header:x-api-key", "cookie:sid", "client"]]),
    },
)
_phases = st.sampled_from(["parallel", "gradual", "full"])

specs: st.SearchStrategy[Spec] = st.fixed_dictionaries(
    {"phase": _phases, "rules": st.dictionaries(st.sampled_from(ROUTES), _rules, max_size=5)},
    optional={"kill_switch": st.booleans(), "defaults": _defaults},
)


def same_plan(one: str, other: str) -> bool:
    """Whether two texts mean one plan; the order of rules says nothing."""
    return changes(parse(one).plan, parse(other).plan) == ()


@st.composite
def changed(draw: st.DrawFn, spec: Spec) -> Spec:
    """The same plan with some of its places changed, added, removed."""
    other = draw(specs)
    routes = draw(st.sets(st.sampled_from(ROUTES), max_size=3))
    rules = {route: rule for route, rule in spec["rules"].items() if route not in routes}
    rules |= {route: other["rules"][route] for route in routes if route in other["rules"]}
    fields = draw(st.sets(st.sampled_from(["phase", "kill_switch", "defaults"])))
    kept = {name: value for name, value in spec.items() if name not in fields}
    taken = {name: value for name, value in other.items() if name in fields}
    return {**kept, **taken, "rules": rules}


@st.composite
def texts(draw: st.DrawFn, spec: Spec | None = None, *, lines: bool = False) -> str:
    """A text that says it, in one of the many ways; `lines`: each rule on lines of its own."""
    spec = spec if spec is not None else draw(specs)
    if not lines and draw(st.integers(0, 9)) == 0:
        return draw(_one_line(spec))
    parts = [f"phase: {spec['phase']}"]
    if "kill_switch" in spec:
        parts.append(f"kill_switch:   {str(spec['kill_switch']).lower()}")
    if "defaults" in spec:
        parts.append(draw(_defaults_text(spec["defaults"])))
    routes = draw(_routes_text(spec["rules"], lines=lines))
    parts = [*parts, routes] if draw(st.booleans()) else [routes, *parts]
    body = [part for part in parts if part]
    text = "\n".join([*draw(_own_lines(0)), *body, *draw(_own_lines(0))])
    text += draw(st.sampled_from(["\n", "", "\n\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"])))


@st.composite
def _one_line(draw: st.DrawFn, spec: Spec) -> str:
    parts = [f"phase: {spec['phase']}"]
    if "kill_switch" in spec:
        parts.append(f"kill_switch: {str(spec['kill_switch']).lower()}")
    if "defaults" in spec:
        parts.append(f"defaults: {draw(_flow(spec['defaults']))}")
    rules = [draw(_flow({"route": route, **rule})) for route, rule in spec["rules"].items()]
    parts.append(f"routes: [{', '.join(rules)}]")
    return f"{{{', '.join(parts)}}}\n"


@st.composite
def _defaults_text(draw: st.DrawFn, defaults: Spec) -> str:
    if not defaults or draw(st.booleans()):
        return f"defaults: {draw(_flow(defaults))}{draw(_trailing)}"
    lines = [f"defaults:{draw(_trailing)}"]
    for name, value in defaults.items():
        lines += draw(_own_lines(2))
        if name == "unit" and draw(st.booleans()):
            lines += ["  unit:", *(f"    - {unit}{draw(_trailing)}" for unit in value)]
        else:
            lines.append(f"  {name}: {draw(_value(value, flow=False))}{draw(_trailing)}")
    return "\n".join(lines)


@st.composite
def _routes_text(draw: st.DrawFn, rules: Spec, *, lines: bool) -> str:
    if not rules:
        return draw(
            st.sampled_from(["", "routes: []", "routes:  # none\n  []  # yet", "routes: []  # c"])
        )
    rows = [{"route": route, **rule} for route, rule in rules.items()]
    if not lines and draw(st.integers(0, 4)) == 0:
        return draw(_flow_routes(rows))
    indent = draw(st.sampled_from([0, 2, 4]))
    written = [f"routes:{draw(_trailing)}"]
    for row in rows:
        written += [*draw(_own_lines(indent)), *draw(_rule_lines(row, indent))]
    return "\n".join(written)


@st.composite
def _flow_routes(draw: st.DrawFn, rows: list[Spec]) -> str:
    items = [draw(_flow(row)) for row in rows]
    if draw(st.booleans()):
        return f"routes: [{', '.join(items)}]"
    body = "\n".join(f"  {item},{draw(_trailing)}" for item in items)
    return f"routes: [\n{body}\n]"


@st.composite
def _rule_lines(draw: st.DrawFn, row: Spec, indent: int) -> list[str]:
    dash = " " * indent + "- " + " " * draw(st.sampled_from([0, 0, 2]))
    if draw(st.integers(0, 2)) == 0:
        return [dash + draw(_flow(row)) + draw(_trailing)]
    lines: list[str] = []
    for name in draw(st.permutations(list(row))):
        start = " " * len(dash) if lines else dash
        if lines:
            lines += draw(_own_lines(len(dash)))
        lines.append(f"{start}{name}: {draw(_value(row[name], flow=False))}{draw(_trailing)}")
    return lines


@st.composite
def _flow(draw: st.DrawFn, fields: Spec) -> str:
    pairs = [f"{name}: {draw(_value(value, flow=True))}" for name, value in fields.items()]
    ends = draw(st.sampled_from(["{}", "{ }", "{,}"] if pairs else ["{}"]))
    return f"{{{ends[1:-1].strip(',')}{', '.join(pairs)}{ends[1:-1]}}}"


@st.composite
def _value(draw: st.DrawFn, value: Any, *, flow: bool) -> str:
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    if not isinstance(value, str):
        return draw(st.sampled_from([str(value), f"{value:.3f}"]))
    doubled = value.replace("\\", "\\\\").replace('"', '\\"')
    quoted = ["'" + value.replace("'", "''") + "'", f'"{doubled}"']
    simple = value.replace(" ", "").replace("/", "").replace("_", "").isalpha() and value != "true"
    plain = simple or (not flow and value.startswith(("GET", "PUT")))
    return draw(st.sampled_from([*quoted, value] if plain else quoted))


_trailing = st.sampled_from(["", "", "  # of this line", " #\twith a tab: ]{ - x", "  "])


def _own_lines(indent: int) -> st.SearchStrategy[list[str]]:
    """Comments and empty lines between."""
    above = [" " * indent + "# - route: GET /commented"]
    return st.sampled_from([[], [], above, ["", "# at the margin: - x"]])
