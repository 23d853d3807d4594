"""Side by side and `banyan status` say what the judge and the breakers do to a route."""

import io
import json

from rich.console import Console

from gateway.cli.status import screen
from gateway.control.shown import RouteReport, RoutesReport
from gateway.store.audit import Act
from gateway.store.ramps import Kept
from gateway.store.versions import Proposal
from tests.control import api as apis
from tests.control.api import PLAN, REASON, Api
from tests.store.acts import beat

api = apis.api
OPEN = {"GET /who": {"state": "open", "why": "5 errors in a row"}}
NUMBERS = "GET /who, 25 % -> 0 %: E = 123 >= 100"


async def who(api: Api) -> RouteReport:
    report = RoutesReport.model_validate(await api.told("GET", "/routes"))
    return next(row for row in report.routes if row.route == "GET /who")


async def printed(api: Api) -> str:
    report = RoutesReport.model_validate(await api.told("GET", "/routes"))
    stream = io.StringIO()
    console = Console(file=stream, width=300)
    console.print(*screen(report, await api.told("GET", "/workers")), sep="\n")
    return stream.getvalue()


def roll_back(api: Api) -> None:
    act = Act("guard", "host", "plan.roll_back", "GET /who", NUMBERS)
    latch = api.store.standings.latch("GET /who", "guard", NUMBERS)
    text = PLAN.replace("25", "0")
    api.store.versions.apply(1, Proposal(text, act, along=latch))


async def test_a_rollback_is_told_until_it_is_acknowledged(api: Api) -> None:
    roll_back(api)
    assert (await who(api)).latch == NUMBERS
    assert f"rolled back {NUMBERS}; once mended: banyan ack 'GET /who'" in await printed(api)
    await api.told("POST", "/evidence/ack", {"route": "GET /who", **REASON})
    assert (await who(api)).latch == ""
    assert "rolled back" not in await printed(api)


async def test_a_ramp_is_told_until_it_is_over(api: Api) -> None:
    await api.told("POST", "/ramps", {"route": "GET /who", "steps": [25, 100], **REASON})
    await api.told("POST", "/ramps/pause", {"route": "GET /who", **REASON})
    assert (await who(api)).ramp == "paused at 25 %: paused by api:ann: the canary is clean"
    assert "ramp GET /who paused at 25 %" in await printed(api)
    await api.told("POST", "/ramps/abort", {"route": "GET /who", **REASON})
    assert (await who(api)).ramp == ""


async def test_a_breaker_is_told_with_the_workers_it_is_open_on(api: Api) -> None:
    for name, pid in (("a", 1), ("b", 2)):
        told = json.dumps(OPEN if name == "b" else {})
        assert api.store.workers.beat(beat(name, host=name, pid=pid, breakers=told), first=True)
    assert (await who(api)).breakers == {"b:2": "open: 5 errors in a row"}
    assert "breaker GET /who on 1 worker, open: 5 errors in a row" in await printed(api)


async def test_what_other_versions_have_written_does_not_hide_the_rest(api: Api) -> None:
    api.store.ramps.keep(Kept("GET /who", 0, '{"later": 1}'))
    for number, breakers in enumerate(("[]", "{", '{"GET /who": 1}')):
        beats = beat(str(number), pid=number, breakers=breakers)
        assert api.store.workers.beat(beats, first=True)
    row = await who(api)
    assert (row.split, row.ramp, row.breakers) == (25, "", {})
