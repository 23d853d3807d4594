"""docs/api.md tells the truth: every request on it is sent, every answer compared."""

from pathlib import Path

import pytest

from tests.contract.api_page import PAGE, Example, sections
from tests.contract.case import same
from tests.contract.cases.routing import ROUTES
from tests.contract.targets import TARGETS
from tests.contract.world import EXAMPLE

SECTIONS = sections(PAGE.read_text())


def test_every_route_has_an_example() -> None:
    assert [name for name in ROUTES if not SECTIONS.get(name)] == []


def test_the_last_example_of_a_section_is_of_its_route() -> None:
    for name, (method, target, _) in ROUTES.items():
        last = SECTIONS[name][-1].request
        known, path = target.partition("?")[0].split("/"), last.split[0].split("/")
        assert (last.method, len(path), path[:3]) == (method, len(known), known[:3]), name


@pytest.mark.parametrize("stack", ["legacy", "modern"])
@pytest.mark.parametrize("name", SECTIONS)
async def test_both_stacks_answer_as_the_page_says(name: str, stack: str, tmp_path: Path) -> None:
    async with TARGETS[stack](EXAMPLE, tmp_path) as target:
        for example in SECTIONS[name]:
            answer = await target.send(example.request)
            assert answer.status == example.status, answer.body
            assert same(answer.json(), example.body), told(example, answer.body)


def told(example: Example, body: bytes) -> str:
    return f"{example.request.method} {example.request.target} now answers {body.decode()}"
