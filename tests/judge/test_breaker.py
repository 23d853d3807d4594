"""A route's breaker, second by second."""

import pytest

from gateway.judge.breaker import (
    FORGOTTEN,
    LONGEST,
    OPEN,
    PROBES,
    WINDOW,
    Breaker,
    Change,
    State,
)


class Route:
    """One route under a breaker, and a clock."""

    def __init__(self, random: float = 0.5) -> None:
        self.breaker = Breaker(lambda: random)
        self.now = 1000.0

    def asks(self, *errors: bool, every: float = 0.1) -> Change | None:
        """So many requests, if they are let in; the last change that they made."""
        change = None
        for error in errors:
            self.now += every
            if self.breaker.admits():
                change = self.breaker.observe(self.now, error=error) or change
        return change

    def waits(self, seconds: float) -> Change | None:
        self.now += seconds
        return self.breaker.tick(self.now)


@pytest.fixture
def route() -> Route:
    return Route()


def opened(route: Route) -> Change:
    change = route.asks(*[True] * 5)
    assert change is not None
    return change


def test_five_errors_in_a_row_open_it(route: Route) -> None:
    assert route.asks(*[True] * 4) is None
    change = route.asks(True)
    assert change == Change(State.CLOSED, State.OPEN, "5 errors in a row", OPEN)
    assert not route.breaker.admits()
    assert route.breaker.why == "5 errors in a row"


def test_a_success_in_between_begins_the_row_anew(route: Route) -> None:
    assert route.asks(*[True, True, True, True, False] * 1, *[False] * 12) is None


def test_three_of_ten_open_it(route: Route) -> None:
    assert route.asks(*[False] * 7, True, True) is None
    change = route.asks(True)
    assert change is not None
    assert change.why == "3 errors of the 10 requests in 60 s"


def test_fewer_than_three_of_ten_do_not(route: Route) -> None:
    assert route.asks(*([False] * 3 + [True]) * 100) is None


def test_fewer_than_ten_requests_are_no_share(route: Route) -> None:
    assert route.asks(True, False, True, False, True, False, True, False, True) is None


def test_of_a_rare_route_the_last_twenty_count(route: Route) -> None:
    hour = 3600.0
    assert route.asks(*[False] * 6, True, True, False, every=hour) is None
    change = route.asks(True, every=hour)
    assert change is not None
    assert change.why == "3 errors of the 10 last requests"


def test_what_is_older_than_the_window_does_not_count_on_a_busy_route(route: Route) -> None:
    assert route.asks(True, True, False, True, True, False, False, False, False) is None
    route.waits(WINDOW + 1)
    assert route.asks(*[False] * 20, True) is None


def test_when_its_time_is_over_three_probes_are_let_in_and_no_more(route: Route) -> None:
    opened(route)
    assert route.waits(OPEN - 1) is None
    assert not route.breaker.admits()
    change = route.waits(1)
    assert change == Change(State.OPEN, State.HALF_OPEN, "5 errors in a row")
    assert [route.breaker.admits() for _ in range(5)] == [True] * PROBES + [False] * 2


def test_three_probes_that_pass_close_it(route: Route) -> None:
    opened(route)
    route.waits(OPEN)
    assert route.asks(False, False) is None
    change = route.asks(False)
    assert change == Change(State.HALF_OPEN, State.CLOSED, "3 probes passed")
    assert route.breaker.why == ""
    assert route.asks(*[False] * 20) is None
    assert route.breaker.admits()


def test_one_probe_that_fails_opens_it_for_twice_as_long(route: Route) -> None:
    opened(route)
    route.waits(OPEN)
    change = route.asks(False, True)
    assert change == Change(State.HALF_OPEN, State.OPEN, "a probe failed", 2 * OPEN)


def test_a_probe_whose_client_leaves_makes_room_for_another(route: Route) -> None:
    opened(route)
    route.waits(OPEN)
    assert [route.breaker.admits() for _ in range(4)] == [True, True, True, False]
    route.breaker.cancelled()
    assert route.breaker.admits()


def test_it_is_open_for_five_minutes_at_most(route: Route) -> None:
    opened(route)
    seconds = []
    for _ in range(12):
        route.waits(LONGEST * 1.2)
        change = route.asks(True)
        assert change is not None
        seconds.append(change.seconds)
    assert seconds == [60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300]


def test_ten_minutes_without_an_error_are_forgiven(route: Route) -> None:
    opened(route)
    route.waits(OPEN)
    route.asks(False, False, False)
    route.waits(FORGOTTEN)
    assert opened(route).seconds == OPEN


def test_closed_for_less_it_remembers(route: Route) -> None:
    opened(route)
    route.waits(OPEN)
    route.asks(False, False, False)
    route.waits(FORGOTTEN / 2)
    assert opened(route).seconds == 2 * OPEN


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 27.0), (1.0, 33.0)])
def test_the_workers_of_a_fleet_do_not_probe_at_once(random: float, seconds: float) -> None:
    assert opened(Route(random)).seconds == pytest.approx(seconds)


def test_an_answer_that_was_on_its_way_changes_nothing(route: Route) -> None:
    opened(route)
    assert route.breaker.observe(route.now, error=False) is None
    assert route.breaker.observe(route.now, error=True) is None
    assert route.breaker.state is State.OPEN


def test_it_can_be_forgotten_once_it_remembers_nothing(route: Route) -> None:
    route.asks(True)
    assert not route.breaker.idle(route.now)
    route.asks(*[False] * 20)
    assert not route.breaker.idle(route.now)
    assert route.breaker.idle(route.now + WINDOW)


def test_one_that_was_open_is_kept_for_ten_minutes(route: Route) -> None:
    opened(route)
    assert not route.breaker.idle(route.now + FORGOTTEN)
    route.waits(OPEN)
    route.asks(False, False, False)
    assert not route.breaker.idle(route.now + WINDOW)
    assert route.breaker.idle(route.now + FORGOTTEN)
