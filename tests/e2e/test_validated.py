"""The validator sees what runs: whoever breaks PEP 3333 is named, by `banyan` and by gunicorn."""

import ast
import re
from pathlib import Path

import httpx
import pytest

from tests.e2e.processes import VALIDATED_GUNICORN, banyan, started, wait
from tests.e2e.validated import validated

pytestmark = pytest.mark.e2e

FOUND = pytest.raises(AssertionError, match="Iterator yielded non-bytestring")
HERE = Path(__file__).parent
LAWLESS = """
from flask import Flask

right = Flask("right")
right.post("/x")(lambda: {"read": len(__import__("flask").request.get_data())})

def wrong(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    environ["wsgi.input"].read()
    return ["text, and no bytes"]
"""


def apps(folder: Path, name: str) -> dict[str, str]:
    (folder / "lawless.py").write_text(LAWLESS)
    (folder / "traffic.yaml").write_text("phase: gradual\n")
    return validated({"BANYAN_LEGACY": f"lawless:{name}"})


def test_an_app_that_keeps_the_rules_is_let_through_with_all_that_flask_reads(
    tmp_path: Path,
) -> None:
    with banyan(tmp_path, "serve", **apps(tmp_path, "right")) as running:
        url = f"{running.url('gateway')}/x"
        assert httpx.post(url, content=b"12345").json() == {"read": 5}
        assert httpx.post(url, content=iter([b"12", b"345"])).json() == {"read": 5}
        assert httpx.get(url).status_code == 405


def test_an_app_that_breaks_a_rule_fails_the_test(tmp_path: Path) -> None:
    with FOUND, banyan(tmp_path, "serve", **apps(tmp_path, "wrong")) as running:
        httpx.get(running.url("gateway"))


def test_gunicorn_is_watched_too(tmp_path: Path) -> None:
    command = ("gunicorn", VALIDATED_GUNICORN[1], "--bind=127.0.0.1:0", "--no-control-socket")
    with FOUND, started(tmp_path, *command, **apps(tmp_path, "wrong")) as running:
        wait(lambda: re.search(r"Listening at: (http://\S+)", running.errors))
        found = re.search(r"Listening at: (http://\S+)", running.errors)
        assert found is not None
        httpx.get(found[1])


def named_legacies(path: Path) -> set[int]:
    """The lines where settings of a process name a legacy app without the validator."""
    tree = ast.parse(path.read_text())
    wrapped = {
        id(argument)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "validated"
        for argument in call.args
    }
    return {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        and any(ast.unparse(key) == "'BANYAN_LEGACY'" for key in node.keys if key)
        and id(node) not in wrapped
        and "no_such" not in ast.unparse(node)
        and "base_url" not in ast.unparse(node)  # a server of the test's own
    }


@pytest.mark.parametrize("path", sorted(HERE.glob("test_*.py")), ids=lambda path: path.stem)
def test_no_test_here_starts_a_legacy_app_without_the_validator(path: Path) -> None:
    assert named_legacies(path) == set()
