"""What a plan may say, and how a wrong one is told apart: line, place, rule, nearest right value."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.assignment import decide
from gateway.endpoints import Endpoint, Inventory
from gateway.plan.compile import compile_plan
from gateway.plan.document import PlanRefused, parse
from gateway.plan.first import first_plan
from gateway.routing import RouteTable
from gateway.words import Phase, Stack

BOTH = (
    Endpoint("GET", "/api/balances"),
    Endpoint("GET", "/api/orders"),
    Endpoint("POST", "/api/orders"),
    Endpoint("GET", "/api/orders/{order_id}"),
)
INVENTORY = Inventory(
    legacy=(*BOTH, Endpoint("GET", "/old")),
    modern=(*BOTH[:3], Endpoint("GET", "/api/orders/{id}"), Endpoint("GET", "/new")),
)


def compiled(text: str, inventory: Inventory = INVENTORY) -> RouteTable:
    return compile_plan(parse(text), inventory, version=1, secret=b"secret")


def refusal(text: str, inventory: Inventory = INVENTORY) -> list[str]:
    with pytest.raises(PlanRefused) as caught:
        compiled(text, inventory)
    return [str(problem) for problem in caught.value.problems]


def rules(*lines: str) -> str:
    return "phase: gradual\nroutes:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


def splits(table: RouteTable) -> dict[str, int]:
    return {route.id: route.split for route in table.routes}


def test_a_plan_splits_what_it_names_and_leaves_the_rest_to_the_defaults() -> None:
    table = compiled(
        "phase: gradual\n"
        "defaults: {modern: 5}\n"
        "routes:\n"
        "  - {route: 'GET /api/orders/{any_name}', modern: 12.345}\n"
        "  - {route: POST /api/orders, modern: 0}\n"
    )
    assert splits(table) == {
        "GET /api/orders/{order_id}": 12_345,
        "POST /api/orders": 0,
        "GET /api/balances": 5_000,
        "GET /api/orders": 5_000,
        "GET /old": 5_000,
    }
    assert not next(route for route in table.routes if route.template == "/old").modern


def test_a_pattern_splits_many_routes_and_a_named_route_beats_it() -> None:
    table = compiled(
        rules("route: '* /api/**', modern: 10", "route: 'GET /api/orders/**', modern: 20",
              "route: GET /api/orders, modern: 30")
    )  # fmt: skip
    assert splits(table) == {
        "GET /api/orders": 30_000,
        "GET /api/balances": 10_000,
        "POST /api/orders": 10_000,
        "GET /api/orders/{order_id}": 20_000,
        "GET /old": 0,
    }


def test_a_route_of_modern_alone_is_closed_until_it_is_named() -> None:
    assert compiled("phase: gradual").match("GET", "/new") is None
    assert compiled(rules("route: '* /**', modern: 100")).match("GET", "/new") is None
    opened = compiled(rules("route: GET /new, modern: 100")).match("GET", "/new")
    assert opened is not None
    assert not opened.route.legacy
    assert compiled("phase: full").match("GET", "/new") is not None


def test_apps_that_do_not_tell_what_they_serve_take_any_route() -> None:
    unknown = Inventory(None, None)
    table = compiled(rules("route: GET /x, modern: 1", "route: '* /y/**', modern: 2"), unknown)
    exact, below = table.match("GET", "/x"), table.match("PUT", "/y/z/w")
    assert exact is not None
    assert below is not None
    assert (exact.route.split, below.route.split) == (1000, 2000)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a plan is a mapping that begins with `phase: …`"),
        ("- phase", "a plan is a mapping that begins with `phase: …`"),
        ("routes: []", "line 1: `phase` is missing"),
        ("phase: gradually", "line 1: phase: 'gradually' is no phase: parallel, gradual or full; nearest: gradual"),
        ("phase: gradual\nrotues: []", "line 2: rotues: unknown field; nearest: routes"),
        ("phase: gradual\nqqq: 1", "line 2: qqq: unknown field; known: phase, kill_switch, defaults, routes"),
        ("phase: gradual\nkill_switch: 1", "line 2: kill_switch: Input should be a valid boolean"),
        ("phase: full\nkill_switch: true", "line 1: kill_switch: there is no legacy to go to in `phase: full`; nearest: phase: gradual"),
        ("phase: gradual\nphase: full", 'line 2: found duplicate key "phase" with value "full" (original value: "gradual")'),
        ("phase: gradual\n\troutes: []", "line 2: found character '\\t' that cannot start any token"),
        ("phase: gradual\nroutes: [", "line 2: expected the node content, but found '<stream end>'"),
        ("phase: gradual\nx: &a [1]\ny: *a", "line 3: aliases (`*name`) are not used in a plan"),
        ("phase: gradual\ndefaults: {unit: [ip]}", "line 2: defaults.unit[0]: 'ip' is no unit: `header:NAME`, `cookie:NAME` or `client`"),
        ("phase: gradual\ndefaults: {unit: ['header:ключ']}", "line 2: defaults.unit[0]: 'header:ключ' is no unit: `header:NAME`, `cookie:NAME` or `client`"),
        ("phase: gradual\nx: !!int abc", "a value cannot be read: invalid literal for int() with base 10: 'abc'"),
        ("phase: gradual\ndefaults: {unit: []}", "line 2: defaults.unit: Tuple should have at least 1 item after validation, not 0"),
        (rules("route: GET /api/balance, modern: 1"), "line 3: routes[0].route: neither stack serves GET /api/balance; nearest: GET /api/balances"),
        (rules("route: '* /v2/**', modern: 1"), "line 3: routes[0].route: neither stack serves * /v2/**; nearest: GET /api/orders"),
        (rules("route: GET /old, modern: 1"), "line 3: routes[0].route: modern does not serve GET /old; nearest: modern: 0"),
        (rules("route: GET /new, modern: 1"), "line 3: routes[0].route: legacy does not serve GET /new; nearest: modern: 100"),
        (rules("route: GET /api/orders, modern: 1", "route: GET /api/orders, modern: 2"), "line 4: routes[1].route: GET /api/orders stands already in line 3"),
        (rules("route: get /api/orders, modern: 1"), "line 3: routes[0].route: 'get' is no method: GET, POST, PUT, PATCH, DELETE, OPTIONS, *; nearest: GET"),
        (rules("route: HEAD /api/orders, modern: 1"), "line 3: routes[0].route: HEAD has no split of its own; nearest: GET /api/orders"),
        (rules("route: GET /api/orders, modern: 99, front_door: modern"), "line 3: routes[0]: front_door: modern is for a route that modern answers alone; nearest: modern: 100"),
        (rules("route: GET /api/orders, modern: 100, front_door: new"), "line 3: routes[0].front_door: 'new' is no front door: legacy or modern; nearest: modern"),
        (rules("route: /api/orders, modern: 1"), "line 3: routes[0].route: '/api/orders' is no route: METHOD /path, as in `GET /api/orders/{order_id}`"),
        (rules("route: 'GET /**/x', modern: 1"), "line 3: routes[0].route: 'GET /**/x': `**` stands only at the end, as in `* /api/**`"),
        (rules("route: GET /api/orders, modren: 1"), "line 3: routes[0]: `modern` is missing"),
        (rules("route: GET /api/orders, modern: -1"), "line 3: routes[0].modern: -1 is outside 0 to 100; nearest: 0"),
        (rules("route: GET /api/orders, modern: 100.0001"), "line 3: routes[0].modern: 100.0001 is outside 0 to 100; nearest: 100"),
        (rules("route: GET /api/orders, modern: 0.0005"), "line 3: routes[0].modern: 0.0005 is finer than 0.001; nearest: 0.000"),
        (rules("route: GET /api/orders, modern: 25%"), "line 3: routes[0].modern: '25%' is no percentage: a number from 0 to 100; write 25"),
        (rules("route: GET /api/orders, modern: true"), "line 3: routes[0].modern: True is no percentage: a number from 0 to 100"),
        (rules("route: GET /api/orders, modern: .nan"), "line 3: routes[0].modern: nan is no percentage: a number from 0 to 100"),
        (rules("route: '* /api/orders/{x}', modern: 1", "route: '* /api/orders/**', modern: 1"), "line 4: routes[1].route: matches GET /api/orders/{order_id} as * /api/orders/{x} in line 3 does; name the route itself"),
    ],
)  # fmt: skip
def test_b070_b071_a_wrong_plan_is_refused_by_line_place_and_nearest_right_value(
    text: str, problem: str
) -> None:
    assert problem in refusal(text)


def test_every_problem_of_a_plan_is_named_at_once() -> None:
    text = rules("route: GET /api/orders, modern: 101", "route: get /x, modern: 1", "modern: 3")
    assert [problem.split(":")[0] for problem in refusal(text)] == ["line 3", "line 4", "line 5"]


@pytest.mark.parametrize("text", ["\0\1\2", "phase: gradual\n" + "#" * (1 << 20)])
def test_b070_what_is_no_text_of_ours_is_refused(text: str) -> None:
    assert refusal(text)


VALID = rules("route: GET /api/orders, modern: 25", "route: '* /api/**', modern: 0.5")


@given(st.randoms(use_true_random=False))
def test_b078_a_mutated_plan_compiles_or_is_refused(rng: random.Random) -> None:
    text = list(VALID)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text))
        text[at] = rng.choice([chr(rng.randint(32, 126)), "", "\n", "\t", "\0", "é", text[at] * 2])
    named: list[str] = []
    try:
        table = compiled("".join(text))
    except PlanRefused as refused:
        named = [str(problem) for problem in refused.problems]
        table = RouteTable((), Phase.GRADUAL)
    assert named or table.match("GET", "/api/orders") is not None
    assert all(0 <= route.split <= 100_000 for route in table.routes)


def test_t75_twenty_routes_at_5_percent_touch_5_percent_of_the_clients() -> None:
    served = tuple(Endpoint("GET", f"/r{number}") for number in range(20))
    table = compiled("phase: gradual\ndefaults: {modern: 5}", Inventory(served, served))
    count = 4000
    touched = sum(
        any(
            decide(table, route, b"x-api-key=%d" % client).stack is Stack.MODERN
            for route in table.routes
        )
        for client in range(count)
    )
    assert abs(touched - 0.05 * count) <= 3 * (count * 0.05 * 0.95) ** 0.5


def test_a_cohort_of_its_own_makes_a_route_independent() -> None:
    table = compiled(rules("route: GET /api/orders, modern: 50, cohort: beta",
                           "route: GET /api/balances, modern: 50"))  # fmt: skip
    beta, main = (table.match("GET", path) for path in ("/api/orders", "/api/balances"))
    assert beta is not None
    assert main is not None
    same = sum(
        decide(table, beta.route, b"%d" % unit).stack
        is decide(table, main.route, b"%d" % unit).stack
        for unit in range(2000)
    )
    assert 900 < same < 1100


def test_the_first_plan_compiles_and_changes_nothing() -> None:
    table = compiled(first_plan("traffic.yaml", INVENTORY))
    assert table.phase is Phase.GRADUAL
    assert set(splits(table).values()) == {0}
    nothing_in_common = Inventory((Endpoint("GET", "/old"),), ())
    empty = first_plan("traffic.yaml", nothing_in_common)
    assert splits(compiled(empty, nothing_in_common)) == {"GET /old": 0}


def test_brackets_in_comments_are_not_nesting() -> None:
    text = "".join(f"# half open: [0, {n})\n" for n in range(40)) + "phase: gradual  # [\n"
    assert parse(text).plan.phase is Phase.GRADUAL


def test_a_pattern_whose_routes_all_have_rules_of_their_own_says_so() -> None:
    served = (Endpoint("GET", "/a/b"),)
    text = 'phase: gradual\nroutes:\n  - {route: GET /a/b, modern: 1}\n  - {route: "* /a/**", modern: 2}\n'
    with pytest.raises(
        PlanRefused, match=r"every route that \* /a/\*\* matches has a rule of its own"
    ):
        compile_plan(parse(text), Inventory(served, served), version=1, secret=b"s")
