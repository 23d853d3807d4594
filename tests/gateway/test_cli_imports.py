"""What a command imports is what it takes to start: a list of modules needs no clock."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = frozenset({
    "alembic", "anyio", "asyncio", "ccxt", "fastapi", "flask", "httpx", "numpy", "prometheus_client",
    "pydantic", "pydantic_settings", "ruamel", "sqlalchemy", "starlette", "structlog", "talib", "uvicorn",
    "gateway.app", "gateway.settings", "gateway.store",
})  # fmt: skip
OF_A_CLIENT = frozenset(
    {"anyio", "asyncio", "httpx", "pydantic", "pydantic_settings", "gateway.settings"}
)
SCRIPT = """
import sys
from gateway.cli import main
try:
    main()
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


def imported(folder: Path, *words: str, **environ: str) -> set[str]:
    """The heavy ones of the modules that a process has imported which ran `banyan words`."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BANYAN_")},
        **environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    modules = set(done.stderr.splitlines()[-1].split())
    assert "gateway.cli.commands" in modules, done.stderr
    return modules & HEAVY


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert imported(tmp_path, "--help") == set()


def test_help_of_commands_below_another_imports_what_typer_imports_itself(tmp_path: Path) -> None:
    assert imported(tmp_path, "ramp", "--help") <= {"pydantic"}


def test_completion_imports_nothing_heavy(tmp_path: Path) -> None:
    asked = {"_BANYAN_COMPLETE": "complete_bash", "COMP_CWORD": "1", "COMP_WORDS": "banyan\nsh"}
    assert imported(tmp_path, **asked) == set()


@pytest.mark.parametrize(
    "words", [["status"], ["evidence", "GET /"], ["shift", "GET /", "5", "--reason", "x"]]
)
def test_a_command_that_asks_a_control_plane_elsewhere_imports_no_server_and_no_store(
    tmp_path: Path, words: list[str]
) -> None:
    nobody = {"BANYAN_SERVER": "http://127.0.0.1:9", "BANYAN_TOKEN": "a token"}
    assert imported(tmp_path, *words, **nobody) <= OF_A_CLIENT
