"""Rules of this code base that no linter knows (CONTRIBUTING.md says why)."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from gateway.settings import Settings
from shared_services.settings import TradingSettings

ROOT = Path(__file__).parents[1]
PACKAGES = ("gateway", "legacy_flask", "fastapi_app", "shared_services")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
ALL = [
    *SOURCES,
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "benchmarks").rglob("*.py")),
]
VAGUE = {"utils", "helpers", "common", "manager", "processor", "misc"}
# Entry modules: importing them is how a server is told to start an app.
ENTRIES = {
    "gateway/asgi.py",
    "gateway/cli/__main__.py",
    "legacy_flask/wsgi.py",
    "fastapi_app/asgi.py",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def documented(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


@pytest.mark.parametrize("path", ALL, ids=name)
def test_a_module_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert not text or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_module_is_named_after_what_it_holds(path: Path) -> None:
    assert path.stem not in VAGUE


# Spelled backwards, so that this file does not hold what it looks for.
LEFT_TO_DO = re.compile(r"\b(?:" + "|".join(w[::-1] for w in ("ODOT", "EMXIF", "XXX")) + r")\b")


@pytest.mark.parametrize("path", [p for p in ALL if p != Path(__file__)], ids=name)
def test_nothing_is_left_to_do(path: Path) -> None:
    assert LEFT_TO_DO.findall(path.read_text()) == []


@pytest.mark.parametrize("path", [p for p in SOURCES if name(p) not in ENTRIES], ids=name)
def test_importing_a_module_opens_and_starts_nothing(path: Path) -> None:
    calls = set(_module_level_calls(ast.parse(path.read_text())))
    assert not calls & {"open", "create_engine", "create_async_engine", "Lock", "Queue", "Thread"}


def _module_level_calls(module: ast.Module) -> Iterator[str]:
    for statement in module.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr) and isinstance(
            statement.value, ast.Call
        ):
            function = statement.value.func
            yield function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


@pytest.mark.parametrize(
    ("settings", "prefix"), [(Settings, "BANYAN_"), (TradingSettings, "TRADING_")]
)
def test_every_setting_is_described_and_documented(
    settings: type[BaseSettings], prefix: str
) -> None:
    page = documented("settings.md")
    for field, info in settings.model_fields.items():
        assert info.description, field
        assert f"`{prefix}{field.upper()}`" in page


def test_every_documented_setting_exists() -> None:
    known = {f"BANYAN_{field.upper()}" for field in Settings.model_fields}
    known |= {f"TRADING_{field.upper()}" for field in TradingSettings.model_fields}
    assert set(re.findall(r"^\| `([A-Z_]+)`", documented("settings.md"), re.MULTILINE)) == known


def test_metrics_and_their_page_say_the_same() -> None:
    source = "".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    made = set(re.findall(r'(?:Counter|Gauge|Histogram)\(\s*"(gateway_\w+)"', source))
    assert made
    assert set(re.findall(r"^\| `(gateway_\w+)`", documented("metrics.md"), re.MULTILINE)) == made


def test_every_word_of_the_glossary_that_is_code_is_in_the_code() -> None:
    closed_sets = (ROOT / "gateway/words.py").read_text()
    context = (ROOT / "CONTEXT.md").read_text()
    for word in re.findall(r'= "(\w+)"', closed_sets):
        assert f"`{word}`" in context


def test_links_between_documents_lead_somewhere() -> None:
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_nothing_written_at_run_time_is_in_the_repository() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert not [
        path for path in tracked if path.startswith(("var/", ".venv/")) or path == "traffic.yaml"
    ]
