"""Completion by the shell: as a shell asks for it, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.endpoints import Endpoint, Inventory
from gateway.inventory import write_inventory

BOTH, OLD, NEW = Endpoint("GET", "/items/{n}"), Endpoint("POST", "/old"), Endpoint("POST", "/new")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder where a gateway has run; its apps are nowhere."""
    served = Inventory((OLD, BOTH), (NEW, Endpoint("GET", "/items/{item_id}")))
    write_inventory(tmp_path / "var/inventory.json", served)
    return tmp_path


def bash(folder: Path, *words: str) -> list[str]:
    """What is offered for the last word."""
    told = {"_BANYAN_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words))}
    told["COMP_WORDS"] = "\n".join(["banyan", *words])
    return _banyan(folder, told)


def zsh(folder: Path, line: str) -> list[str]:
    return _banyan(folder, {"_BANYAN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line})


def _banyan(folder: Path, told: dict[str, str]) -> list[str]:
    command = [str(Path(sys.executable).with_name("banyan"))]
    environment = {**os.environ, **told, "BANYAN_VAR": ""}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def test_routes_come_from_the_last_start_those_that_can_move_first(folder: Path) -> None:
    offered = bash(folder, "shift", "")
    assert offered == ["GET\\ /items/{n}", "POST\\ /old", "POST\\ /new"]


@pytest.mark.parametrize(
    ("word", "offered"),
    [
        ("POST\\ /o", ["POST\\ /old"]),
        ('"POST /o', ["POST /old"]),
        ("'POST /", ["POST /old", "POST /new"]),
        ("PATCH", []),
    ],
)
def test_bash_gets_a_word_that_it_reads_as_one(folder: Path, word: str, offered: list[str]) -> None:
    assert bash(folder, "whatif", word) == offered


def test_zsh_gets_the_route_as_it_is(folder: Path) -> None:
    assert zsh(folder, "banyan shift GET") == ["_arguments '*: :((\"GET /items/{n}\"))'"]


def test_phases_and_commands_are_offered(folder: Path) -> None:
    assert bash(folder, "phase", "") == ["parallel", "gradual", "full"]
    assert bash(folder, "doc") == ["doctor"]


@pytest.mark.parametrize("content", [None, "{", '{"legacy": 7, "modern": null}', "[" * 100_000])
def test_without_an_inventory_nothing_is_offered(folder: Path, content: str | None) -> None:
    path = folder / "var/inventory.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert bash(folder, "shift", "") == []
