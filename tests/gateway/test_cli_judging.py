"""`banyan evidence`, `ack` and `ramp`: what they print, their exit codes, and the next step where they refuse."""

import json
import re
import sys
from contextlib import closing
from itertools import count

import pytest

from gateway.observe.batches import BOUNDS
from gateway.store.audit import Act
from gateway.store.evidence import Count, Event, Sighting
from gateway.store.opening import Store, open_store
from gateway.store.versions import Proposal
from tests.gateway import test_cli, test_cli_errors
from tests.gateway.test_cli_errors import PLAN, WHY, Setup, assert_told, at_first, planned
from tests.gateway.test_cli_tables import Screen
from tests.store.acts import beat

Shell = test_cli.Shell
shell, logs = test_cli.shell, test_cli_errors.logs
WHO = "GET /who"
RAMP = ("ramp", "start", WHO, "--steps", "25,50,100", *WHY)
ACTS = ("pause", "resume", "approve", "advance", "abort")
NUMBERS = "GET /who, 25 % -> 0 %: error: modern 30 events in 1000 requests; E = 200 >= 100"
LONG = "KeyError at a_module_with_a_long_name.and_a_longer_one.of_a_function_in_it"
_digests = count()


def opened(shell: Shell) -> "closing[Store]":
    return closing(open_store(f"sqlite:///{shell.folder}/var/banyan.db"))


def counted(shell: Shell, stack: str, requests: int, events: int) -> None:
    """A worker's counts under version 1."""
    found = [Event(f"{next(_digests)}", WHO, 1, stack, 25_000, "error") for _ in range(events)]
    with opened(shell) as store:
        store.evidence.add([Count(WHO, 1, stack, 25_000, requests, events)], found, [])


def rolled_back(shell: Shell) -> None:
    planned(shell)
    act = Act("guard", "host", "plan.roll_back", WHO, NUMBERS)
    with opened(shell) as store:
        latch = store.standings.latch(WHO, "guard", NUMBERS)
        store.versions.apply(1, Proposal(PLAN.replace("25", "0"), act, along=latch))


def ramping(shell: Shell) -> None:
    planned(shell)
    assert shell(*RAMP) == 0


@pytest.fixture
def judged(shell: Shell) -> Shell:
    """Both stacks have answered, modern has thrown something new, and a breaker is open."""
    planned(shell)
    counted(shell, "legacy", 30_000, 3)
    counted(shell, "modern", 10_000, 2)
    bins = [0] * (len(BOUNDS) + 1)
    bins[BOUNDS.index(0.1)] = 10
    one = {"requests": 10, "errors": 0, "rescued": 0, "last": 1.0, "bins": bins}
    traffic = json.dumps({WHO: {"legacy": one, "modern": one}})
    breakers = json.dumps({WHO: {"state": "open", "why": "5 errors in a row"}})
    with opened(shell) as store:
        store.evidence.add([], [], [Sighting(WHO, "modern", "exception", LONG, 1)])
        store.workers.beat(beat(host="host-1", traffic=traffic, breakers=breakers), first=True)
    return shell


def test_evidence_shows_both_stacks_the_verdict_and_what_stands_in_the_way(judged: Shell) -> None:
    assert judged("evidence", WHO) == 0
    lines = [line.rstrip() for line in judged.out.splitlines()]
    assert lines[0] == "GET /who · 25 % to modern"
    assert lines[1].startswith("undecided: about ")
    assert lines[1].endswith("needed to show that it is not 2 times as bad")
    legacy, modern = (line.split() for line in lines[5:7])
    assert legacy[:7] == ["legacy", "30000", "3", "0.010%", "0.003%", "to", "0.029%"]
    assert modern[:4] == ["modern", "10000", "2", "0.020%"]
    assert modern[8::2] == ["ms"] * 3
    assert lines[10].startswith("error              3       2  undecided E = ")
    assert lines[10].endswith(" < 200; then: roll_back")
    assert lines[12].endswith(" < 100; then: hold")
    assert lines[13:17] == [
        "events: of a client and kind one a minute",
        "breaker host-1:7: open: 5 errors in a row",
        "holds a ramp modern fails right now, host-1:7: open: 5 errors in a row",
        f"holds a ramp new on modern: {LONG}",
    ]
    seen = lines[-1].split("  ")
    assert (seen[0], seen[-1].removeprefix(" ")) == ("exception new", LONG)


def test_evidence_lists_what_was_seen_the_news_first_and_says_how_much_more(shell: Shell) -> None:
    planned(shell)
    legacys = [Sighting(WHO, "legacy", "exception", f"OSError at shop.{n}", 3) for n in range(11)]
    new = Sighting(WHO, "modern", "exception", "KeyError at shop.place", 2)
    with opened(shell) as store:
        store.evidence.add([], [], [new])
        store.evidence.add([], [], legacys)
    assert shell("evidence", WHO) == 0
    lines = [line.split() for line in shell.out.splitlines()]
    (top,) = [at for at, line in enumerate(lines) if line[:1] == ["seen"]]
    assert lines[top] == ["seen", "stack", "times", "last", "where"]
    first = lines[top + 2]
    assert (first[:4], first[-3:]) == (
        ["exception", "new", "modern", "2"],
        ["KeyError", "at", "shop.place"],
    )
    assert {tuple(line[:3]) for line in lines[top + 3 : -1]} == {("exception", "legacy", "3")}
    assert lines[-1] == ["and", "2", "more:", "--json"]


def test_evidence_as_json_is_what_the_api_says(judged: Shell) -> None:
    assert judged("evidence", WHO, "--json") == 0
    told = json.loads(judged.out)
    assert (told["route"], told["verdict"], told["modern"]["requests"]) == (
        WHO,
        "undecided",
        10_000,
    )
    assert told["breakers"] == {"host-1:7": "open: 5 errors in a row"}


def test_evidence_before_anything_was_asked_says_so(shell: Shell) -> None:
    planned(shell)
    assert shell("evidence", WHO) == 0
    rows = [line.split() for line in shell.out.splitlines()]
    assert [row for row in rows if row[:1] in (["legacy"], ["modern"])] == [
        ["legacy", "0"],
        ["modern", "0"],
    ]


def test_evidence_of_a_worse_modern_says_worse(shell: Shell) -> None:
    planned(shell)
    counted(shell, "legacy", 3000, 0)
    counted(shell, "modern", 1000, 20)
    assert shell("evidence", WHO) == 0
    assert "modern is worse: error: modern 20 events in 1000 requests; legacy 0" in shell.out
    assert " worse E = " in shell.out


def test_a_latch_is_shown_with_the_command_that_opens_it_and_that_does(shell: Shell) -> None:
    rolled_back(shell)
    assert shell("evidence", WHO) == 0
    assert f": {NUMBERS}\n" in shell.out
    assert "once that is mended: banyan ack 'GET /who' --reason '…'\n" in shell.out
    assert shell("ack", WHO, *WHY) == 0
    assert shell.out == "GET /who may rise; its evidence begins anew\n"
    assert shell("evidence", WHO) == 0
    assert "latched" not in shell.out
    assert shell("shift", WHO, "5", *WHY) == 0


def test_ack_as_json_is_the_evidence_that_begins_anew(shell: Shell) -> None:
    rolled_back(shell)
    assert shell("ack", WHO, *WHY, "--json") == 0
    told = json.loads(shell.out)
    assert (told["route"], told["latch"], told["since"]) == (WHO, None, 2)


def test_a_ramp_from_its_start_to_its_end(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(shell)
    ended = "  by cli:ann: because\n"
    monkeypatch.setenv("SUDO_USER", "ann")
    for arguments, said in (
        (RAMP, "GET /who: running at 25 %, next 50 %\n"),
        (("ramp", "pause", WHO, *WHY), "GET /who: paused at 25 %, next 50 %\n  paused by cli:ann: because\n"),
        (("ramp", "resume", WHO, *WHY), "GET /who: running at 25 %, next 50 %\n"),
        (("ramp", "approve", WHO, *WHY), "GET /who: running at 25 %, next 50 %, approved by cli:ann\n"),
        (("ramp", "advance", WHO, *WHY), "GET /who: running at 50 %, next 100 %\n"),
        (("ramp", "advance", WHO, "--to", "100%", *WHY), "GET /who: running at 100 %, its last step\n"),
        (("ramp", "abort", WHO, *WHY), f"GET /who: aborted at 100 %\n{ended}"),
    ):  # fmt: skip
        assert shell(*arguments) == 0
        assert shell.out == said
    with opened(shell) as store:
        lines = [(line.action, line.actor) for line in store.audit.lines(7)]
    assert lines[::-1] == [
        (f"ramp.{what}", "cli:ann")
        for what in ("start", "pause", "resume", "approve", "advance", "advance", "abort")
    ]


def test_a_ramp_as_json_is_what_the_api_says(shell: Shell) -> None:
    planned(shell)
    given = ("--hold", "1h", "--minimum", "9", "--margin", "3", "--approve", "100", "--json")
    assert shell(*RAMP, *given) == 0
    told = json.loads(shell.out)
    assert (told["hold"], told["minimum"], told["margin"]) == (3600, 9, 3)
    assert (told["steps"], told["approve"]) == ([25, 50, 100], [100])
    assert shell("ramp", "status", "--json") == 0
    assert [one["route"] for one in json.loads(shell.out)] == [WHO]


def test_status_shows_each_ramp_and_why_it_stands_there(shell: Shell) -> None:
    planned(shell)
    assert shell("ramp", "status") == 0
    assert shell.out == "no ramp yet: `banyan ramp start ROUTE`\n"
    assert shell(*RAMP) == 0
    assert shell("ramp", "pause", WHO, *WHY) == 0
    assert shell("ramp", "status") == 0
    head, _, row = shell.out.splitlines()
    assert head.split() == ["route", "state", "step", "next", "why"]
    assert row.split()[:7] == ["GET", "/who", "paused", "25", "%", "50", "%"]
    assert "paused by cli:" in row
    assert shell("evidence", WHO) == 0
    assert "ramp paused at 25 %: paused by cli:" in shell.out


@pytest.mark.parametrize(
    ("setup", "arguments", "code", "said"),
    [
        (at_first, ("evidence", WHO), 1, test_cli_errors.NO_PLAN),
        (at_first, ("ramp", "status"), 1, test_cli_errors.NO_PLAN),
        (planned, ("evidence", "GET /whoo"), 1, "neither stack serves GET /whoo; nearest: GET /who"),
        (planned, ("evidence", "who"), 1, "route: 'who' is no route: METHOD /path, as in `GET /api/"),
        (planned, ("ack", "GET /whoo", *WHY), 1, "neither stack serves GET /whoo; nearest: GET /who"),
        (planned, ("ack", WHO, *WHY), 1, "GET /who is not latched, and there is no evidence of modern on it"),
        (planned, ("ack", WHO, "--reason", " "), 1, "reason: give one line of 1 to 500 characters"),
        (planned, ("ramp", "start", WHO, *WHY), 1, "the plan has no ramp for GET /who: give steps, as in --steps 1,5,25,100"),
        (planned, ("ramp", "start", WHO, "--steps", "a,b", *WHY), 1, "steps.0: 'a' is no percentage: a number from 0 to 100; steps.1: 'b' is"),
        (planned, ("ramp", "start", WHO, "--steps", "", *WHY), 1, "steps.0: '' is no percentage: a number from 0 to 100"),
        (planned, ("ramp", "start", WHO, "--steps", "30,nan", *WHY), 1, "steps.1: 'nan' is no percentage: a number from 0 to 100"),
        (planned, ("ramp", "start", WHO, "--steps", "30,1e999", *WHY), 1, "steps.1: '1e999' is no percentage"),
        (planned, ("ramp", "start", WHO, "--steps", "30,101", *WHY), 1, "steps.1: 101 is outside 0 to 100; nearest: 100"),
        (planned, ("ramp", "start", WHO, "--steps", "60,30", *WHY), 1, "steps rise from above 0: 30 does not follow 60"),
        (planned, ("ramp", "start", WHO, "--steps", "5,25", *WHY), 1, "GET /who is at 25 %, not below the last step, 25 %"),
        (planned, ("ramp", "start", WHO, "--steps", "30", "--hold", "30", *WHY), 1, "hold: '30' is no duration: a number and s, m, h or d, as in 30m"),
        (planned, ("ramp", "start", WHO, "--steps", "30", "--margin", "0.5", *WHY), 1, "margin: Input should be greater than or equal to 1.1"),
        (planned, ("ramp", "start", WHO, "--steps", "30", "--margin", "x", *WHY), 1, "margin: Input should be a valid number"),
        (planned, ("ramp", "start", WHO, "--steps", "30", "--approve", "31", *WHY), 1, "approve: 31 is no step of this ramp; nearest: 30"),
        (planned, ("ramp", "start", WHO, "--steps", "30", "--minimum", "0", *WHY), 2, "--minimum"),
        (planned, ("ramp", "start", WHO, "--steps", "30"), 2, "Missing option '--reason'"),
        (planned, ("ramp", "begin"), 2, "No such command 'begin'"),
        (rolled_back, ("ramp", "start", WHO, "--steps", "30", *WHY), 1, "once mended: banyan ack 'GET /who'"),
        (rolled_back, ("shift", WHO, "5", *WHY), 1, "once that is mended: banyan ack 'GET /who'"),
        (ramping, RAMP, 1, "GET /who is ramping already; to begin anew: banyan ramp abort 'GET /who'"),
        (ramping, ("shift", WHO, "50", *WHY), 1, "to take over: banyan ramp abort 'GET /who'"),
        (ramping, ("ramp", "advance", WHO, "--to", "inf", *WHY), 1, "to: 'inf' is no percentage: a number from 0 to 100"),
        (ramping, ("ramp", "advance", WHO, "--to", "30", *WHY), 1, "30 is no step of GET /who that is still to come; those are: 50, 100"),
        *((planned, ("ramp", what, WHO, *WHY), 1, "GET /who is not ramping; to begin: banyan ramp start 'GET /who'") for what in ACTS),
    ],
    ids=lambda value: " ".join(value[:6]) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_is_refused_is_named_with_the_next_step(
    shell: Shell, setup: Setup, arguments: tuple[str, ...], code: int, said: str
) -> None:
    setup(shell)
    assert shell(*arguments) == code
    assert said in shell.err
    assert shell.out == ""
    if code == 1:
        assert_told(shell)


def test_shadows_are_summed_up_and_what_they_found_is_listed(shell: Shell) -> None:
    planned(shell)
    with opened(shell) as store:
        told = (
            ("shadow", "no_answer", 1),
            ("shadow", "equal", 41),
            ("difference", "/[b]a value", 2),
        )
        store.evidence.add([], [], [Sighting(WHO, "modern", *one) for one in told])
    assert shell("evidence", WHO) == 0
    assert "shadows of 0 %: 41 equal, 1 no answer\n" in shell.out
    assert re.search(r"difference +modern +2 .+ /\[b\]a value\n", shell.out)


def test_a_route_that_nobody_shadows_says_nothing_of_it(shell: Shell) -> None:
    planned(shell)
    assert shell("evidence", WHO) == 0
    assert "shadows" not in shell.out


def test_an_argument_is_no_markup_and_no_escape(shell: Shell) -> None:
    planned(shell)
    with opened(shell) as store:
        sighting = Sighting(WHO, "modern", "exception", "[red]Error[/red] at \x1b[2J.f", 1)
        store.evidence.add([], [], [sighting])
    assert shell("evidence", WHO) == 0
    assert "holds a ramp new on modern: [red]Error[/red] at \\x1b[2J.f\n" in shell.out


@pytest.mark.parametrize("width", [80, 200])
def test_evidence_and_ramps_are_no_wider_than_the_terminal(
    judged: Shell, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    assert judged(*RAMP) == 0
    assert (
        judged("ramp", "pause", WHO, "--reason", "nobody knows yet where they come from " * 5) == 0
    )
    monkeypatch.setenv("COLUMNS", str(width))
    for command in (("evidence", WHO), ("ramp", "status")):
        assert judged(*command) == 0
        assert max(map(len, judged.out.splitlines())) <= width
        assert "…" not in judged.out  # nothing is cut


def test_a_pipe_gets_no_colours_and_whole_rows(
    judged: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    assert judged(*RAMP) == 0
    reason = "nobody knows yet where they come from " * 5
    assert judged("ramp", "pause", WHO, "--reason", reason) == 0
    for command in (("evidence", WHO), ("ramp", "status")):
        assert judged(*command) == 0
        assert "\x1b" not in judged.out
        assert sum(reason.strip() in line for line in judged.out.splitlines()) == 1


def test_a_terminal_gets_colours(judged: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", screen)
        patched.setenv("TERM", "xterm-256color")
        assert judged("evidence", WHO) == 0
    assert "\x1b[33mundecided" in screen.getvalue()
    assert "\x1b[31mbreaker\x1b[0m host-1:7" in screen.getvalue()
