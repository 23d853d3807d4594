"""The examples of docs/api.md: each a request and the answer to it, to be replayed.

    python -m tests.contract.api_page    # writes the answers of today into the page

An example is a fenced block `http` (request line, headers, empty line, body) and, next, a fenced
block `json` with the status beside the word. Those of one section are sent one after the other to one
example account, so that a later one may depend on an earlier one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio

from tests.contract.targets import TARGETS
from tests.contract.world import EXAMPLE
from tests.drive import Request

PAGE: Final = Path(__file__).parents[2] / "docs" / "api.md"

_SECTION: Final = re.compile(r"^### (\S+)$(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_EXAMPLE: Final = re.compile(
    r"^```http\n(.*?)^```\n\n^```json (\d+)\n(.*?)^```", re.MULTILINE | re.DOTALL
)
_WIDTH: Final = 120


@dataclass(frozen=True)
class Example:
    request: Request
    status: int
    text: str

    @property
    def body(self) -> object:
        return json.loads(self.text)


def sections(page: str) -> dict[str, list[Example]]:
    """The examples by the route that their section is about."""
    return {
        name: [_example(*found.groups()) for found in _EXAMPLE.finditer(text)]
        for name, text in _SECTION.findall(page)
    }


def _example(request: str, status: str, text: str) -> Example:
    head, _, body = request.partition("\n\n")
    line, *headers = head.strip().split("\n")
    method, target = line.split(" ")
    named = dict(header.split(": ", 1) for header in headers)
    return Example(Request(method, target, named, body.strip().encode()), int(status), text)


def formatted(value: object) -> str:
    """JSON with keys in order, as wide as a page allows."""
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: object, indent: str) -> Iterator[str]:
    flat = json.dumps(value, sort_keys=True)
    if len(indent) + len(flat) <= _WIDTH or not isinstance(value, dict | list):
        yield indent + flat
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    parts = (
        [(f"{json.dumps(key)}: ", value[key]) for key in sorted(value)]
        if isinstance(value, dict)
        else [("", part) for part in value]
    )
    yield indent + opening
    for place, (key, part) in enumerate(parts):
        lines = list(_lines(part, indent + "  "))
        lines[0] = f"{indent}  {key}{lines[0].strip()}"
        lines[-1] += "," if place < len(parts) - 1 else ""
        yield from lines
    yield indent + closing


async def _rewrite() -> None:
    page = PAGE.read_text()
    for name, examples in sections(page).items():
        with TemporaryDirectory() as folder:
            async with TARGETS["legacy"](EXAMPLE, Path(folder)) as target:
                for example in examples:
                    answer = await target.send(example.request)
                    now = f"```json {answer.status}\n{formatted(answer.json())}```"
                    page = _replaced(page, name, example, now)
    PAGE.write_text(page)


def _replaced(page: str, name: str, example: Example, now: str) -> str:
    start = page.index(f"### {name}\n")
    before = f"```json {example.status}\n{example.text}```"
    return page[:start] + page[start:].replace(before, now, 1)


if __name__ == "__main__":
    anyio.run(_rewrite)
