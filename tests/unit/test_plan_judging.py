"""What a plan may say of judging, and how a wrong word is told apart."""

from decimal import Decimal

import pytest

from gateway.endpoints import Inventory
from gateway.judge.edits import with_split
from gateway.judge.evidence import ALPHA
from gateway.plan.compile import compile_governed
from gateway.plan.document import PlanRefused, parse
from gateway.plan.edit import with_rule
from gateway.plan.judging import Guard, RampRule
from gateway.plan.model import RouteRule
from gateway.words import Action, Signal

TOP = "phase: gradual\nroutes:\n"
HEAD = f"{TOP}  - route: GET /a\n    modern: 5\n"
SIGNALS = "error, client_error, slow, new_fingerprint or lag"
NO_DURATION = "is no duration: a number and s, m, h or d, as in 30m"


def rule_of(text: str) -> RouteRule:
    return parse(text).plan.routes[0]


def refusal(text: str) -> str:
    with pytest.raises(PlanRefused) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("guard: {alpha: 0}", ".alpha: Input should be greater than or equal to 0.000001"),
        ("guard: {alpha: 0.21}", ".alpha: Input should be less than or equal to 0.2"),
        ("guard: {alpha: '0.01'}", ".alpha: Input should be a valid number"),
        ("guard: {alpha: true}", ".alpha: Input should be a valid number"),
        ("guard: {alpha: .nan}", ".alpha: Input should be less than or equal to 0.2"),
        ("guard: {aplha: 0.1}", ".aplha: unknown field; nearest: alpha"),
        ("guard: {colour: red}", ".colour: unknown field; known: alpha, signals"),
        (
            "guard: {signals: {eror: hold}}",
            f".guard.signals.eror: 'eror' is no signal: {SIGNALS}; nearest: error",
        ),
        (
            "guard: {signals: {slow: rollback}}",
            ".signals.slow: 'rollback' is no action: roll_back, hold or ignore; nearest: roll_back",
        ),
        ("guard: {signals: {error: true}}", "True is no action: roll_back, hold or ignore"),
        (
            "guard: {signals: {lag: roll_back}}",
            "guard: one lag proves nothing; nearest: lag: hold",
        ),
        (
            "guard: {signals: {slow: roll_back}}",
            "would roll a healthy route back some day; nearest: slow: hold",
        ),
        (
            "guard: {signals: {new_fingerprint: roll_back}}",
            "guard: one new_fingerprint proves nothing; nearest: new_fingerprint: hold",
        ),
        ("guard: {signals: [error]}", ".signals: Input should be a valid dictionary"),
        ("guard: 5", "guard: Input should be a valid dictionary"),
    ],
)
def test_b071_a_guard_that_is_none_is_refused(field: str, told: str) -> None:
    found = refusal(f"{HEAD}    {field}\n")
    assert found.startswith("line 5: routes[0].guard")
    assert told in found


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("", ": `steps` is missing"),
        ("steps: []", ".steps: Tuple should have at least 1 item"),
        ("steps: 5", ".steps: Input should be a valid tuple"),
        ("steps: '1,5'", ".steps: Input should be a valid tuple"),
        ("steps: [5, 1]", ": steps rise from above 0: 1 does not follow 5; nearest: [1.0, 5.0]"),
        ("steps: [0, 0.5]", ": steps rise from above 0: 0 does not follow 0; nearest: [0.5]"),
        ("steps: [1, 1, 5]", ": steps rise from above 0: 1 does not follow 1; nearest: [1.0, 5.0]"),
        ("steps: [1, 101]", ".steps[1]: 101 is outside 0 to 100; nearest: 100"),
        ("steps: [1, 5.0004]", ".steps[1]: 5.0004 is finer than 0.001; nearest: 5.000"),
        ("steps: [1, '5%']", ".steps[1]: '5%' is no percentage: a number from 0 to 100; write 5"),
        ("steps: [1], hold: 30", f".hold: 30 {NO_DURATION}; write 30s"),
        ("steps: [1], hold: soon", f".hold: 'soon' {NO_DURATION}"),
        ("steps: [1], hold: 1.5h", f".hold: '1.5h' {NO_DURATION}"),
        ("steps: [1], hold: true", f".hold: True {NO_DURATION}"),
        ("steps: [1], hold: 0s", ".hold: 0s is no time to hold a step: 1s to 30d"),
        ("steps: [1], hold: 31d", ".hold: 31d is no time to hold a step: 1s to 30d"),
        ("steps: [1], minimum: 0", ".minimum: Input should be greater than or equal to 1"),
        ("steps: [1], minimum: 2.5", ".minimum: Input should be a valid integer"),
        ("steps: [1], minimum: '5'", ".minimum: Input should be a valid integer"),
        ("steps: [1], margin: 1", ".margin: Input should be greater than or equal to 1.1"),
        ("steps: [1], margin: 10.1", ".margin: Input should be less than or equal to 10"),
        ("steps: [1], margin: '2'", ".margin: Input should be a valid number"),
        ("steps: [1], margin: .inf", ".margin: Input should be less than or equal to 10"),
        ("steps: [1, 25], approve: [20]", ": approve: 20 is no step of this ramp; nearest: 25"),
        ("steps: [1], aprove: [1]", ".aprove: unknown field; nearest: approve"),
    ],
)
def test_b071_a_ramp_that_is_none_is_refused(fields: str, told: str) -> None:
    found = refusal(f"{HEAD}    ramp: {{{fields}}}\n")
    assert found.startswith(f"line 5: routes[0].ramp{told}")


def test_b071_a_ramp_of_too_many_steps_is_refused() -> None:
    steps = ", ".join(str(step / 10) for step in range(1, 52))
    assert "at most 50 items" in refusal(f"{HEAD}    ramp: {{steps: [{steps}]}}\n")


@pytest.mark.parametrize("route", ["'* /a'", "GET /a/**"])
def test_b071_a_pattern_does_not_ramp(route: str) -> None:
    text = f"phase: gradual\nroutes:\n  - {{route: {route}, modern: 5, ramp: {{steps: [9]}}}}\n"
    told = "ramp: a pattern has no evidence of its own; nearest: name each route"
    assert refusal(text) == f"line 3: routes[0]: {told}"


def test_b071_defaults_have_a_guard_and_no_ramp() -> None:
    defaults = "phase: gradual\ndefaults: {{{}}}\n"
    told = "line 2: defaults.ramp: unknown field"
    assert refusal(defaults.format("ramp: {steps: [1]}")).startswith(told)
    assert "nearest: hold" in refusal(defaults.format("guard: {signals: {slow: holt}}"))


def test_what_a_guard_does_not_say_is_as_everywhere() -> None:
    guard = Guard()
    assert guard.alpha == ALPHA
    assert {signal: guard.action(signal) for signal in Signal} == {
        Signal.ERROR: Action.ROLL_BACK,
        Signal.CLIENT_ERROR: Action.ROLL_BACK,
        Signal.SLOW: Action.HOLD,
        Signal.NEW_FINGERPRINT: Action.HOLD,
        Signal.LAG: Action.HOLD,
    }


def test_what_a_guard_says_changes_that_signal_only() -> None:
    guard = rule_of(f"{HEAD}    guard: {{signals: {{client_error: hold, lag: ignore}}}}\n").guard
    assert guard is not None
    told = {signal: guard.action(signal) for signal in Signal}
    assert told[Signal.CLIENT_ERROR] is Action.HOLD
    assert told[Signal.LAG] is Action.IGNORE
    assert told[Signal.ERROR] is Action.ROLL_BACK


def test_what_a_ramp_does_not_say_is_as_everywhere() -> None:
    ramp = rule_of(f"{HEAD}    ramp: {{steps: [1, 12.345, 100]}}\n").ramp
    assert ramp == RampRule(
        steps=(Decimal(1), Decimal("12.345"), Decimal(100)),
        hold="30m",
        minimum=500,
        margin=2.0,
        approve=(),
    )


@pytest.mark.parametrize(
    ("hold", "seconds"), [("1s", 1), ("90s", 90), ("30m", 1800), ("4h", 14_400), ("30d", 2_592_000)]
)
def test_a_duration_is_in_seconds(hold: str, seconds: float) -> None:
    assert RampRule(steps=(Decimal(1),), hold=hold).seconds == seconds


def test_steps_are_exact_buckets() -> None:
    steps = (Decimal("0.001"), Decimal("12.345"), Decimal(100))
    assert RampRule(steps=steps).buckets == (1, 12_345, 100_000)


def test_a_rule_without_a_guard_has_the_one_of_the_defaults() -> None:
    text = (
        "phase: gradual\ndefaults: {guard: {alpha: 0.02}}\nroutes:\n"
        "  - {route: GET /a, modern: 5}\n  - {route: GET /b, modern: 5, guard: {alpha: 0.05}}\n"
    )
    governed = compile_governed(parse(text), Inventory(None, None), version=1, secret=b"s")
    assert governed.defaults.alpha == 0.02
    rules = governed.rules.items()
    found = {route: rule.guard.alpha if rule.guard else None for route, rule in rules}
    assert found == {"GET /a": None, "GET /b": 0.05}


FULL = """\
phase: gradual
routes:
  # money
  - route: GET /a  # the busiest
    modern: 5  # slowly
    guard: {alpha: 0.005, signals: {slow: ignore}}  # its p99 jumps
    ramp:
      steps: [1, 5, 25, 100]  # by hand before
      hold: 4h
      approve: [100]  # Ann
  - {route: GET /b, modern: 5}
# the end
"""


@pytest.mark.parametrize("split", [0, 1, 12_345, 100_000])
def test_another_split_changes_that_number_and_not_one_byte_else(split: int) -> None:
    outcome = with_split(FULL, "GET /a", split, {"GET /a": rule_of(FULL)})
    assert rule_of(outcome).split == split
    number = f"{split / 1000:g}"
    assert outcome == FULL.replace("modern: 5  # slowly", f"modern: {number}  # slowly")


def test_a_guard_and_a_ramp_that_are_written_read_the_same() -> None:
    rule = rule_of(FULL)
    fields = rule.model_dump(mode="json", exclude={"route"}, exclude_defaults=True)
    fields["modern"] = 5
    fields["ramp"] = {"steps": [1, 5, 25, 100], "hold": "4h", "approve": [100]}
    bare = "phase: gradual\nroutes:\n  - {route: GET /c, modern: 0}\n"
    written = parse(with_rule(bare, "GET /a", fields)).plan.routes[1]
    assert written == rule
    assert with_rule(FULL, "GET /a", fields) == FULL


def test_a_guard_of_a_pattern_goes_with_the_route_that_gets_a_rule_of_its_own() -> None:
    pattern = "  - {route: 'GET /**', modern: 25, guard: {signals: {error: hold}}}\n"
    text = f"{TOP}{pattern}"
    outcome = with_split(text, "GET /a", 0, dict.fromkeys(("GET /a", "GET /b"), rule_of(text)))
    first, second = parse(outcome).plan.routes
    assert (first.route, first.split) == ("GET /**", 25_000)
    assert (second.route, second.split) == ("GET /a", 0)
    assert second.guard == first.guard == Guard(signals={Signal.ERROR: Action.HOLD})


def test_a_route_that_modern_routes_itself_is_given_back_with_its_split() -> None:
    text = f"{TOP}  - {{route: GET /a, modern: 100, front_door: modern}}  # ours\n"
    back = with_split(text, "GET /a", 25_000, {"GET /a": rule_of(text)})
    assert back == f"{TOP}  - {{route: GET /a, modern: 25}}  # ours\n"
    assert with_split(text, "GET /a", 100_000, {"GET /a": rule_of(text)}) == text
