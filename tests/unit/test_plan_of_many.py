"""Plans over many routes: what is looked at for each of them, and what two plans have in common."""

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import collector
from gateway.door.rules import Door, DoorRule
from gateway.endpoints import Endpoint, Inventory, endpoints_of
from gateway.plan.compile import compile_plan
from gateway.plan.document import PlanRefused, parse
from gateway.plan.patterns import Patterns, matches
from gateway.routing import RouteTable

GET = frozenset({"GET", "HEAD", "OPTIONS"})
DOOR = Door(tuple(DoorRule(path, GET) for path in ("/a", "/a/{n:int}", "/b/{x}", "/b/{x}/c")))
SERVED = endpoints_of(DOOR)
METHODS = st.sampled_from(["GET", "POST", "*"])
TEMPLATES = st.lists(
    st.sampled_from(["a", "b", "a-b", "{n}", "{m}", "{n:int}", "{rest:path}", ""]), max_size=4
).map(lambda parts: "/" + "/".join(parts))
PATTERNS = st.one_of(
    st.builds("* {}".format, TEMPLATES),
    st.builds("{} {}/**".format, METHODS, TEMPLATES.map(lambda path: path.rstrip("/"))),
)


def table(text: str, inventory: Inventory | None = None) -> RouteTable:
    known = inventory or Inventory(SERVED, SERVED, DOOR)
    return compile_plan(parse(text), known, version=1, secret=b"secret")


@given(st.lists(PATTERNS, max_size=12), st.builds(Endpoint, METHODS, TEMPLATES))
def test_many_patterns_name_a_route_exactly_where_each_of_them_does(
    patterns: list[str], endpoint: Endpoint
) -> None:
    each = [number for number, one in enumerate(patterns) if matches(one, endpoint)]
    assert sorted(Patterns(patterns).matching(endpoint)) == each


def test_two_plans_over_the_same_apps_look_rules_up_in_one_index() -> None:
    before, after = table("phase: parallel\n"), table("phase: gradual\ndefaults: {modern: 7}\n")
    assert before.trie is after.trie
    found = before.match("GET", "/b/1"), after.match("GET", "/b/1")
    assert [one and one.route.split for one in found] == [0, 7000]


def test_another_app_has_an_index_of_its_own() -> None:
    other = Door((*DOOR.rules, DoorRule("/new", GET)))
    served = endpoints_of(other)
    text = "phase: gradual\n"
    assert table(text, Inventory(served, served, other)).match("GET", "/new") is not None
    assert table(text).match("GET", "/new") is None


def test_of_many_typos_the_first_are_told_with_what_was_meant() -> None:
    rules = "".join(f"  - {{route: GET /wrong{number}, modern: 1}}\n" for number in range(30))
    with pytest.raises(PlanRefused) as caught:
        table(f"phase: gradual\nroutes:\n{rules}")
    told = [problem.message for problem in caught.value.problems]
    assert len(told) == 30
    assert all("neither stack serves GET /wrong" in one for one in told)
    assert ["nearest" in one for one in told] == [True] * 10 + [False] * 20


@pytest.fixture
def no_start() -> Iterator[None]:
    """A test that has called the `banyan` command here has left one that never ends, and all its garbage."""
    found = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    gc.collect()
    yield
    gc.set_threshold(*found)


@pytest.mark.usefixtures("no_start")
def test_much_that_is_made_is_looked_at_by_no_full_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collector, "_LITTLE", 10_000)
    monkeypatch.setattr(collector, "_made", [0])
    try:
        little = made(10)
        assert known_to_the_collector(little)
        given_back = made(6000)
        collector.let_go([given_back])
        assert not given_back
        assert known_to_the_collector(little)
        assert known_to_the_collector(made(6000))
        much = made(20_000)
        assert not known_to_the_collector(much)
        assert not known_to_the_collector(little)
    finally:
        gc.unfreeze()


def made(number: int) -> list[list[object]]:
    usual = gc.get_threshold()
    with collector.making():
        assert gc.get_threshold()[2] > 100_000
        lists: list[list[object]] = [[] for _ in range(number)]
    assert gc.get_threshold() == usual
    return lists


def known_to_the_collector(lists: list[list[object]]) -> bool:
    return bool({id(one) for one in lists} & {id(one) for one in gc.get_objects()})


def test_a_start_is_looked_at_at_its_end_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_LITTLE", 0)
    usual = gc.get_threshold()
    collector.put_off()
    try:
        before = gc.get_stats(), gc.get_freeze_count()
        with collector.making():
            pass
        assert (gc.get_stats(), gc.get_freeze_count()) == before
    finally:
        gc.set_threshold(*usual)


class Ring:
    """Refers to itself: the collector alone frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.usefixtures("no_start")
def test_what_is_garbage_already_is_not_made_to_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_LITTLE", -10_000)
    try:
        with collector.making():
            known = weakref.ref(Ring())
        assert known() is None
    finally:
        gc.unfreeze()


def test_of_two_that_make_something_the_last_lets_all_go_on_as_usual() -> None:
    def found() -> tuple[tuple[int, int, int], float]:
        return gc.get_threshold(), sys.getswitchinterval()

    usual = found()
    one, other = collector.making(), collector.making()
    one.__enter__()
    other.__enter__()
    try:
        one.__exit__(None, None, None)
        assert found()[0] != usual[0]
        assert sys.getswitchinterval() < usual[1]
        other.__exit__(None, None, None)
        assert found() == usual
    finally:
        gc.unfreeze()
