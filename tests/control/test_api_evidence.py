"""Evidence and acknowledgements over the admin API: what is shown of it, and what is refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.endpoints import Endpoint
from gateway.observe.batches import BOUNDS
from gateway.store.evidence import Sighting
from gateway.store.ramps import Kept
from tests.control import api as apis
from tests.control.api import PLAN, REASON, Api, opened_api
from tests.control.judging import (
    FOUND,
    ITEM,
    ONE,
    SERVED,
    WHO,
    acknowledged,
    counted,
    rolled_back,
    seen,
    sentence,
)
from tests.store.acts import beat

api, empty = apis.api, apis.empty
ECHO = "POST /echo"
ASKED = "/evidence?route=GET%20/who"


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Api]:
    """`/who` at 25 %, `/echo` and what has a variable at none."""
    with opened_api(tmp_path) as served:
        served.inventory = SERVED
        served.apply(PLAN)
        yield served


async def test_both_stacks_stand_side_by_side_with_their_intervals(api: Api) -> None:
    counted(api, "legacy", 3000, 3)
    counted(api, "modern", 1000, 2)
    found = await api.told("GET", ASKED)
    legacy, modern = found["legacy"], found["modern"]
    assert (found["route"], found["split"], found["since"]) == (WHO, 25, 0)
    assert (legacy["requests"], legacy["failures"], legacy["rate"]) == (3000, 3, 0.001)
    assert (modern["requests"], modern["failures"], modern["rate"]) == (1000, 2, 0.002)
    assert modern["events"] == {"error": 2, "client_error": 0, "slow": 0}
    assert 0 < modern["low"] < 0.002 < modern["high"] < 0.01
    assert (found["verdict"], found["alone"], found["baseline"]) == ("undecided", False, None)
    assert (found["latch"], found["ramp"], found["breakers"], found["holds"]) == (
        None,
        None,
        {},
        [],
    )


async def test_an_event_that_is_no_error_is_no_failure(api: Api) -> None:
    counted(api, "modern", 100, 3, "slow")
    found = (await api.told("GET", ASKED))["modern"]
    assert (found["failures"], found["rate"], found["events"]["slow"]) == (0, 0, 3)


async def test_without_a_request_there_is_no_rate_and_the_interval_is_everything(api: Api) -> None:
    side = (await api.told("GET", ASKED))["modern"]
    assert (side["requests"], side["rate"], side["low"], side["high"]) == (0, None, 0, 1)
    assert side["p50"] is None


async def test_the_times_are_those_that_the_workers_tell(api: Api) -> None:
    bins = [0] * (len(BOUNDS) + 1)
    bins[BOUNDS.index(0.1)] = 10  # between the bound before it and 0.1 s
    stacks = {"modern": {"requests": 10, "errors": 0, "rescued": 0, "last": 1.0, "bins": bins}}
    api.store.workers.beat(beat(traffic=json.dumps({WHO: stacks})), first=True)
    side = (await api.told("GET", ASKED))["modern"]
    below = BOUNDS[BOUNDS.index(0.1) - 1]
    assert below < side["p50"] < side["p95"] < side["p99"] <= 0.1


async def test_modern_that_fails_is_worse_and_the_sentence_has_the_numbers(api: Api) -> None:
    counted(api, "legacy", 3000)
    counted(api, "modern", 1000, 20)
    found = await api.told("GET", ASKED)
    assert found["verdict"] == "worse"
    assert found["text"].startswith(
        "modern is worse: error: modern 20 events in 1000 requests; "
        "legacy 0 events in 3000 requests; E = "
    )
    errors = next(one for one in found["signals"] if one["signal"] == "error")
    assert (errors["verdict"], errors["action"]) == ("worse", "roll_back")
    assert errors["log_e"] > errors["needed_log_e"] == 5.298
    assert found["holds"] == [f"modern is worse on error: {errors['text'].rpartition('; ')[2]}"]


async def test_modern_that_is_as_good_as_legacy_is_not_worse(api: Api) -> None:
    counted(api, "legacy", 30_000, 90)
    counted(api, "modern", 10_000, 20)
    found = await api.told("GET", ASKED)
    assert (found["verdict"], found["proof"]["verdict"]) == ("not worse", "not worse")
    assert found["text"] == "modern is not 2 times as bad as legacy"


async def test_what_is_undecided_says_how_many_events_it_takes(api: Api) -> None:
    counted(api, "legacy", 3000, 3)
    counted(api, "modern", 1000, 1)
    found = await api.told("GET", ASKED)
    needed = found["proof"]["needed"]
    assert 20 < needed < 80  # of two stacks that are equal, at 25 %
    assert found["text"] == (
        f"undecided: about {needed} more events, in both stacks together, needed to show that it "
        "is not 2 times as bad"
    )


async def test_requests_without_an_error_say_below_what_the_rate_is(api: Api) -> None:
    counted(api, "legacy", 900)
    counted(api, "modern", 299)
    found = await api.told("GET", ASKED)
    assert found["proof"]["below"] == pytest.approx(0.00997, abs=1e-5)
    assert found["text"].endswith("; no error of modern's so far: below 0.997% (95 %)")


async def test_a_route_without_a_share_has_nothing_to_compare(api: Api) -> None:
    found = await api.told("GET", "/evidence?route=POST%20/echo")
    assert (found["split"], found["verdict"]) == (0, "undecided")
    assert found["text"] == "modern has no share: there is nothing to compare"


async def test_modern_alone_is_held_against_legacys_last_rate(api: Api) -> None:
    counted(api, "legacy", 3000, 3)
    counted(api, "modern", 1000, 1)
    api.apply(PLAN.replace("25", "100"))
    found = await api.told("GET", ASKED)
    assert found["alone"] is True
    assert 0.001 < found["baseline"] < 0.01
    assert found["text"] == (
        "modern answers alone: held against legacy's last rate, "
        f"at most {found['baseline']:.3%}; undecided"
    )


async def test_the_sentence_about_modern_alone_does_not_contradict_the_verdict(api: Api) -> None:
    counted(api, "legacy", 30_000, 90)
    counted(api, "modern", 10_000, 20)
    api.apply(PLAN.replace("25", "100"))
    found = await api.told("GET", ASKED)
    assert found["verdict"] == "not worse"
    assert found["text"].endswith("; before, it was not 2 times as bad")


async def test_modern_alone_where_legacy_was_never_asked_has_nothing_to_compare(api: Api) -> None:
    api.apply(PLAN.replace("25", "100"))
    found = await api.told("GET", ASKED)
    assert (found["alone"], found["baseline"]) == (True, None)
    assert found["text"] == (
        "modern answers alone: legacy was never asked, and there is nothing to compare"
    )


async def test_the_plan_says_which_action_follows_and_at_which_level(api: Api) -> None:
    rule = "{route: GET /who, modern: 25, guard: {alpha: 0.1, signals: {error: hold}}}"
    api.apply(f"phase: gradual\nroutes:\n  - {rule}\n")
    found = {one["signal"]: one for one in (await api.told("GET", ASKED))["signals"]}
    assert (found["error"]["action"], found["error"]["needed_log_e"]) == ("hold", 2.303)
    assert found["client_error"]["action"] == "roll_back"


@pytest.mark.parametrize(
    ("asked", "route"),
    [
        (WHO, WHO),
        ("GET /items/{n:int}", ITEM),
        ("GET /items/{other:int}", ITEM),
        ("GET /items/{id}", ITEM),
    ],
)
async def test_a_route_is_found_however_its_variables_are_spelled(
    three: Api, asked: str, route: str
) -> None:
    assert (await three.told("GET", f"/evidence?route={asked.replace(' ', '%20')}"))[
        "route"
    ] == route


async def test_of_two_routes_that_differ_in_a_kind_each_finds_its_own(three: Api) -> None:
    text = Endpoint("GET", "/items/{name}")
    three.inventory = replace(
        SERVED, legacy=(*apis.BOTH, ONE, text), modern=(*apis.BOTH, ONE, text)
    )
    for route in (ITEM, "GET /items/{name}"):
        found = await three.told("GET", f"/evidence?route={route.replace(' ', '%20')}")
        assert found["route"] == route


async def test_a_route_of_one_stack_has_a_page_too(three: Api) -> None:
    found = await three.told("GET", "/evidence?route=GET%20/old")
    assert (found["split"], found["text"]) == (
        0,
        "modern has no share: there is nothing to compare",
    )


@pytest.mark.parametrize("path", ["/evidence?route=GET%20/whoo", "/evidence?route=GET%20/**"])
async def test_a_route_that_nobody_serves_is_404_with_the_nearest(api: Api, path: str) -> None:
    status, code, detail = await sentence(api, "GET", path)
    assert (status, code) == (404, "no_such_route")
    assert detail.startswith("neither stack serves GET /")
    assert detail.endswith("; nearest: GET /who")
    assert (await api.ask("GET", path)).json()["nearest"] == WHO


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("", "'' is no route: METHOD /path, as in `GET /api/orders/{order_id}`"),
        ("/who", "'/who' is no route"),
        ("HEAD%20/who", "HEAD has no split of its own; nearest: GET /who"),
        ("GTE%20/who", "'GTE' is no method"),
        ("GET%20/who%0aX", "String should match pattern"),
        ("GET%20/" + "x" * 1000, "should have at most 1000"),
    ],
    ids=range(6),
)
async def test_b082_what_is_no_route_is_refused(api: Api, route: str, said: str) -> None:
    answer = await api.ask("GET", f"/evidence?route={route}")
    assert (answer.status, answer.json()["code"]) == (422, "invalid_request")
    assert said in answer.json()["problems"][0]["message"]


async def test_without_a_plan_there_is_no_evidence(empty: Api) -> None:
    said = 409, "no_plan"
    for path in (ASKED, "/evidence/all"):
        assert (await sentence(empty, "GET", path))[:2] == said
    body = {"route": WHO, **REASON}
    assert (await sentence(empty, "POST", "/evidence/ack", body))[:2] == said


async def test_all_shows_what_has_a_share_a_latch_or_a_ramp(three: Api) -> None:
    async def shown() -> list[str]:
        return [one["route"] for one in await three.told("GET", "/evidence/all")]

    assert await shown() == [WHO]
    await three.told("POST", "/ramps", {"route": ITEM, "steps": [1, 100], **REASON})
    assert await shown() == [WHO, ITEM]
    await three.told("POST", "/ramps/abort", {"route": ITEM, **REASON})
    rolled_back(three, 0)
    assert sorted(await shown()) == sorted([WHO, ITEM])
    await acknowledged(three)
    assert await shown() == [ITEM]


async def test_breakers_are_shown_for_each_worker(api: Api) -> None:
    for name, why in (("a", "5 errors in a row"), ("b", "4 of 12 requests")):
        breakers = {WHO: {"state": "open", "why": why}, ECHO: {"state": "half-open", "why": "x"}}
        said = beat(name, host=name, pid=7, breakers=json.dumps(breakers))
        api.store.workers.beat(said, first=True)
    api.store.workers.beat(beat("c", host="c"), first=True)
    assert (await api.told("GET", ASKED))["breakers"] == {
        "a:7": "open: 5 errors in a row",
        "b:7": "open: 4 of 12 requests",
    }


async def test_a_worker_that_has_ended_has_no_breaker(api: Api) -> None:
    breakers = json.dumps({WHO: {"state": "open", "why": "x"}})
    api.store.workers.beat(beat(breakers=breakers, ended=True), first=True)
    assert (await api.told("GET", ASKED))["breakers"] == {}


@pytest.mark.parametrize("words", ["{", "[]", "7", '{"GET /who": 7}', '{"GET /who": {"state": 1}}'])
async def test_a_worker_whose_words_cannot_be_read_hides_nothing(api: Api, words: str) -> None:
    api.store.workers.beat(beat(breakers=words, traffic=words, recent=words), first=True)
    assert (await api.told("GET", ASKED))["breakers"] == {}
    assert len(await api.told("GET", "/evidence/all")) == 1


@pytest.mark.parametrize("document", ["{", "[]", "{}", '{"route": "GET /who", "state": "resting"}'])
async def test_a_ramp_of_newer_code_does_not_break_the_page(api: Api, document: str) -> None:
    api.store.ramps.keep(Kept(WHO, 0, document))
    assert (await api.told("GET", ASKED))["ramp"] is None
    assert [one["ramp"] for one in await api.told("GET", "/evidence/all")] == [None]


async def test_what_came_of_shadows_is_counted_and_holds_nothing(api: Api) -> None:
    told = (
        ("shadow", "different", 2),
        ("shadow", "equal", 40),
        ("shadow", "of_later_code", 1),
        ("difference", "/a value", 2),
    )
    for one in told:
        api.store.evidence.add([], [], [Sighting(WHO, "modern", *one)])
    found = await api.told("GET", ASKED)
    none = dict.fromkeys(("accepted", "noise", "no_answer", "failed"), 0)
    assert found["shadow"] == {"sample": 0, "equal": 40, "different": 2, **none}
    (seen,) = found["sightings"]
    assert (seen["kind"], seen["what"], seen["count"], seen["news"]) == (
        "difference",
        "/a value",
        2,
        False,
    )
    assert found["holds"] == []


async def test_routes_that_are_shadowed_are_among_those_with_evidence(three: Api) -> None:
    assert [one["route"] for one in await three.told("GET", "/evidence/all")] == [WHO]
    three.apply(
        PLAN.replace("phase: gradual\n", "phase: gradual\ndefaults: {shadow: {sample: 2.5}}\n")
    )
    found = await three.told("GET", "/evidence/all")
    assert {one["route"]: one["shadow"]["sample"] for one in found} == {WHO: 2.5, ITEM: 2.5}


async def test_an_exception_of_moderns_alone_is_news_and_holds(api: Api) -> None:
    seen(api, "modern")
    seen(api, "modern", "ValueError at both.of_them")
    seen(api, "legacy", "ValueError at both.of_them")
    found = await api.told("GET", ASKED)
    news = {(one["stack"], one["what"]): one["news"] for one in found["sightings"]}
    assert news == {
        ("modern", FOUND): True,
        ("modern", "ValueError at both.of_them"): False,
        ("legacy", "ValueError at both.of_them"): False,
    }
    assert found["holds"] == [f"new on modern: {FOUND}"]
    assert {one["count"] for one in found["sightings"]} == {2}
