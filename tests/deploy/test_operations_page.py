"""docs/operations.md and docs/fleet.md: what they name exists, and what they type is accepted."""

import re
import shlex
from pathlib import Path

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from gateway.cli.commands import app
from gateway.settings import Settings
from gateway.store.tables import metadata
from tests.deploy.test_prometheus import alerts
from tests.deploy.tools import ROOT

DOCS = {name: (ROOT / f"docs/{name}.md").read_text() for name in ("operations", "fleet")}
BOTH = "\n".join(DOCS.values())
SOURCE = "".join(path.read_text() for path in sorted((ROOT / "gateway").rglob("*.py")))
_BLOCKS = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_ALERT = re.compile(r"^\| `(Banyan\w+)` \| (\w+) \|", re.MULTILINE)
_OF_COMMANDS = {"BANYAN_SERVER", "BANYAN_TOKEN", "BANYAN_OUTAGE"}
BANYAN = get_command(app)


def spans(text: str) -> list[str]:
    """What stands between backticks, outside of blocks."""
    return _SPAN.findall(_BLOCKS.sub("", text))


def typed(text: str) -> list[str]:
    """Every `banyan …` of a page: the lines of its blocks, and what its sentences quote."""
    lines = [
        line for kind, block in _BLOCKS.findall(text) if kind == "sh" for line in block.splitlines()
    ]
    return [one for one in (*lines, *spans(text)) if one.startswith("banyan ")]


def section(page: str, title: str) -> str:
    return DOCS[page].split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def accept(words: list[str], command: object = BANYAN) -> None:
    """Parses, and runs nothing. Raises what typer raises for a wrong usage, LookupError for no command.

    A name alone is only mentioned: it need not be complete.
    """
    if words and isinstance(command, TyperGroup):
        found = command.commands.get(words[0])
        if found is None:
            raise LookupError(f"No such command {words[0]!r}")
        accept(words[1:], found)
    elif words:
        assert isinstance(command, TyperCommand)
        command.make_context(command.name, words)


@pytest.mark.parametrize("page", DOCS)
def test_commands_are_accepted_with_their_options_and_arguments(page: str) -> None:
    lines = typed(DOCS[page])
    assert len(lines) >= 10
    for line in lines:
        accept(shlex.split(line, comments=True)[1:])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("shfit 'GET /who' 5 --reason x", "No such command 'shfit'"),
        ("token make ci", "No such command 'make'"),
        ("shift 'GET /who' --reason x", "Missing parameter: percent"),
        ("shift 'GET /who' 5", "Missing parameter: reason"),
        ("shift 'GET /who' 5 6 --reason x", "unexpected extra argument"),
        ("shift 'GET /who' 5 --why x", "No such option: --why"),
        ("rollback forty --reason x", "should be a valid integer"),
    ],
)
def test_a_command_that_does_not_exist_so_would_be_named(line: str, why: str) -> None:
    with pytest.raises(Exception, match=why):
        accept(shlex.split(line))


def test_each_alert_is_explained_with_its_severity() -> None:
    explained = _ALERT.findall(DOCS["operations"])
    assert sorted(explained) == sorted(
        (one["alert"], one["labels"]["severity"]) for one in alerts()
    )


def test_each_alert_says_what_it_means_where_to_look_what_to_do_and_how_to_undo() -> None:
    rows = [line for line in DOCS["operations"].splitlines() if _ALERT.match(line)]
    assert {row.count(" | ") for row in rows} == {5}


def test_settings_that_are_named_exist() -> None:
    known = {f"BANYAN_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"BANYAN_[A-Z_]+[A-Z]", BOTH)) - known - _OF_COMMANDS == set()


def test_events_of_logs_and_actions_of_the_audit_that_are_named_are_in_the_code() -> None:
    named = {one for one in spans(BOTH) if re.fullmatch(r"[a-z]+\.[a-z_]+", one)}
    named -= {one for one in named if Path(one).suffix in {".yaml", ".db"}}
    assert len(named) >= 20
    of_tokens = {
        f"token.{outcome}" for outcome in re.findall(r'^    [A-Z]+ = "(\w+)"', SOURCE, re.MULTILINE)
    }
    assert [one for one in sorted(named - of_tokens) if f'"{one}"' not in SOURCE] == []


def test_metrics_that_are_named_are_documented() -> None:
    metrics = (ROOT / "docs/metrics.md").read_text()
    named = set(re.findall(r"\bgateway_[a-z_]+\b", BOTH))
    assert named
    assert [one for one in named if f"`{one}`" not in metrics] == []


def test_problems_that_are_explained_are_worded_as_workers_word_them() -> None:
    """Their fixed parts: what differs is `…`, a number, or the name of a file."""
    rows = re.findall(
        r"^\| `(.+?)` \|",
        section("operations", "What `problem` in `banyan status` says"),
        re.MULTILINE,
    )
    assert len(rows) == 7
    code = re.sub(r'"\n\s+f?"', "", SOURCE)
    for row in rows:
        for part in re.split(r"…|\d+|traffic\.yaml|var/kill-switch", row):
            assert part.strip(" :") in code, row


def test_tables_of_the_store_that_are_granted_exist_and_none_is_left_out() -> None:
    sql = "".join(block for kind, block in _BLOCKS.findall(DOCS["fleet"]) if kind == "sql")
    granted = {
        name.strip()
        for names in re.findall(r"GRANT [A-Z, ]+ ON ((?:[a-z_]+(?:, )?)+) TO app", sql)
        for name in names.split(",")
    }
    assert granted == set(metadata.tables)


@pytest.mark.parametrize("page", DOCS)
def test_a_heading_that_is_linked_exists(page: str) -> None:
    """test_conventions.py sees to the files."""
    for file, anchor in re.findall(r"\]\(([a-z-]*(?:\.md)?)#([^)]+)\)", DOCS[page]):
        text = (ROOT / "docs" / file).read_text() if file else DOCS[page]
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert anchor in {_anchor(one) for one in headings}, f"{file}#{anchor}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", DOCS)
def test_a_page_is_read_in_one_go(page: str) -> None:
    assert len(DOCS[page].splitlines()) < 250
