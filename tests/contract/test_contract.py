"""Every case of the contract, against every target."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PAIRS
from tests.contract.case import Case, compared, get
from tests.contract.cases import CASES
from tests.contract.cases.routing import ROUTES
from tests.contract.targets import TARGETS
from tests.contract.world import EXAMPLE
from tests.drive import Answer


async def answer(target: str, case: Case, folder: Path) -> Answer:
    """What a fresh `target` says to the last request of the case."""
    async with TARGETS[target](case.world, folder) as fresh:
        for request in case.before:
            await fresh.send(request)
        return await fresh.send(case.request)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_every_target_answers_as_the_contract_says(
    case: Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    answers = {
        name: await answer(name, case, tmp_path_factory.mktemp("target")) for name in TARGETS
    }
    for given in answers.values():
        case.check(given)
    legacy = compared(answers["legacy"])
    assert {name: compared(given) for name, given in answers.items()} == dict.fromkeys(
        answers, legacy
    )


@pytest.mark.parametrize(
    ("target", "stacks"),
    [
        ("gateway at 0 %", {"legacy"}),
        ("gateway at 50 %", {"legacy", "modern"}),
        ("gateway at 100 %", {"modern"}),
        ("gateway without legacy", {"modern"}),
    ],
)
async def test_the_percentage_decides_which_stacks_answer(
    target: str, stacks: set[str], tmp_path: Path
) -> None:
    requests = 4 * [get(target) for method, target, _ in ROUTES.values() if method == "GET"]
    async with TARGETS[target](EXAMPLE, tmp_path) as gateway:
        answers = [await gateway.send(request) for request in requests]
    assert {answer.header("x-served-by") for answer in answers} == stacks


def test_no_case_hides_another() -> None:
    assert [name for name, count in Counter(map(str, CASES)).items() if count > 1] == []


def test_every_route_succeeds_and_fails_somewhere(
    record_property: Callable[[str, object], None],
) -> None:
    failures = [case for case in CASES if case.status >= 300]
    assert {case.route for case in failures} >= set(ROUTES)
    assert {case.route for case in CASES if case.status < 300} == set(ROUTES)
    assert len(failures) * 2 >= len(CASES)
    record_property(PAIRS, f"{len(CASES)} {PAIRS}, {len(failures)} of them refusals")
