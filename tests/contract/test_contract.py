"""Every case of the contract, against every target."""

from pathlib import Path

import pytest

from tests.contract.case import Case, compared
from tests.contract.cases import CASES
from tests.contract.drive import Answer
from tests.contract.targets import TARGETS


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
