"""The blog of Flask's tutorial, moved to FastAPI under a visitor who must notice nothing."""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.blog.browser import Browser, Lost
from tests.blog.walk import ALICE, ask_directly, transcript, walk
from tests.e2e.processes import Running, answers_at, banyan, started, wait

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("blog")]
FLASKR = Path(__file__).parent / "flask-tutorial/flaskr"
PLAN = """\
phase: gradual
defaults: {{modern: {share}, cohort: "{cohort}", unit: ["header:x-request"], failover: never}}
"""
# Two posts of one second have no order; here each has its own minute.
CLOCK = """
CREATE TRIGGER IF NOT EXISTS clock AFTER INSERT ON post BEGIN
  UPDATE post SET created = datetime('2024-01-02', NEW.id || ' minutes') WHERE id = NEW.id;
END;
"""

# What the naive port answers, and what of it differs from Flask: something of each answer.
NOTICED = [
    ("GET /", 200, "body"),  # absolute links
    ("GET /static/style.css", 200, "cache-control content-disposition etag vary"),
    ("GET /hello", 200, "content-type vary"),
    ("POST /auth/register", 422, "body content-type set-cookie status"),
    ("POST /auth/register", 303, "body content-type status"),
    ("GET /create", 303, "body content-type status"),
    ("POST /auth/login", 200, "body set-cookie"),
    ("POST /auth/login", 303, "body content-type set-cookie status"),
    ("POST /create", 303, "body content-type status"),
    ("POST /create", 422, "body content-type set-cookie status"),
    ("GET /1/update", 200, "body"),
    ("GET /99/update", 404, "body content-type"),
    ("GET /x/update", 422, "body content-type status"),
    ("GET /nope", 404, "body content-type vary"),
    ("PUT /create", 405, "allow body content-type vary"),
    ("GET /auth/login/", 307, "body content-type location status vary"),
    ("HEAD /", 405, "allow content-type status vary"),
    ("OPTIONS /", 405, "allow body content-type status vary"),
    ("POST /auth/login", 422, "body content-type status"),
    ("GET /auth/logout", 303, "body content-type set-cookie status"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all servers find one `flaskr`, and its database."""
    folder = tmp_path_factory.mktemp("blog")
    shutil.copytree(FLASKR, folder / "flaskr")
    (folder / "instance").mkdir()
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> Any:
    """The visit to Flask alone, under gunicorn."""
    command = ("gunicorn", "flaskr:create_app()", "--threads=4", "--bind=127.0.0.1:0")
    with started(folder, *command, "--no-control-socket") as running:
        wait(lambda: "Listening at: " in running.errors)
        url = running.errors.partition("Listening at: ")[2].split()[0]
        wait(lambda: answers_at(url))
        direct = transcript(visit(folder, url, ask_directly))
        return transcript(visit(folder, url)), stored(folder), direct


def emptied(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "instance/flaskr.sqlite")) as db:
        db.executescript((folder / "flaskr/schema.sql").read_text() + CLOCK)


def stored(folder: Path) -> list[Any]:
    """What the visit has left in the database, but for the salted passwords."""
    with closing(sqlite3.connect(folder / "instance/flaskr.sqlite")) as db:
        users = db.execute("SELECT id, username FROM user").fetchall()
        return [users, db.execute("SELECT * FROM post").fetchall()]


def visit(folder: Path, url: str, walk: Callable[[Browser], None] = walk) -> Browser:
    """Each request of it is another unit: at 50 % the visitor is moved to and fro."""
    emptied(folder)
    numbers = count()
    with httpx.Client(base_url=url, timeout=30) as client:
        browser = Browser(client, lambda: {"X-Request": str(next(numbers))})
        walk(browser)
    return browser


@contextmanager
def gateway(folder: Path, modern: str) -> Iterator[Running]:
    (folder / "traffic.yaml").write_text(PLAN.format(share=0, cohort="none"))
    environ = {"BANYAN_LEGACY": "flaskr:create_app", "BANYAN_MODERN": modern}
    with banyan(folder, "serve", **environ) as running:
        yield running


def planned(folder: Path, running: Running, share: int, cohort: str) -> str:
    """The gateway's URL, once it runs this plan."""

    def applied() -> int:
        return (running.errors + running.output).count("plan.applied")

    before = applied()
    (folder / "traffic.yaml").write_text(PLAN.format(share=share, cohort=cohort))
    wait(lambda: applied() > before)
    return running.url("gateway")


def stacks(browser: Browser) -> Counter[str]:
    return Counter(answer.headers["x-served-by"] for answer in browser.seen)


@pytest.fixture(scope="module")
def ported(folder: Path) -> Iterator[Running]:
    with gateway(folder, "tests.blog.port:app") as running:
        yield running


@pytest.mark.parametrize(
    ("share", "cohort", "least"),
    [(0, "a", {"legacy": 60}), (100, "a", {"modern": 50})]
    + [(50, cohort, {"legacy": 20, "modern": 20}) for cohort in ("a", "b", "c")],
)
def test_p081_the_visitor_sees_what_flask_alone_shows(
    folder: Path,
    expected: Any,
    ported: Running,
    share: int,
    cohort: str,
    least: dict[str, int],
) -> None:
    browser = visit(folder, planned(folder, ported, share, f"{cohort}{share}"))
    assert transcript(browser) == expected[0]
    assert stored(folder) == expected[1]
    assert stacks(browser) >= Counter(least)


def test_p081_the_port_alone_shows_what_flask_alone_shows(folder: Path, expected: Any) -> None:
    """Also what the gateway leaves to Flask as long as it is there: 404, 405, OPTIONS."""
    with alone(folder, "tests.blog.port:app") as url:
        assert transcript(visit(folder, url, ask_directly)) == expected[2]
        assert transcript(visit(folder, url)) == expected[0]
    assert stored(folder) == expected[1]


def test_a_client_of_the_naive_port_would_have_noticed(folder: Path, expected: Any) -> None:
    with alone(folder, "tests.blog.naive:app") as url:
        seen = transcript(visit(folder, url, ask_directly))
        with pytest.raises(Lost, match="no button 'Register'"):  # an empty field gets bare JSON
            visit(folder, url)
    pairs = list(zip(seen, expected[2], strict=True))
    assert [(one["request"], one["status"], noticed(one, other)) for one, other in pairs] == NOTICED


def log_in_and_stay(browser: Browser) -> None:
    browser.send("/auth/register", "POST", data=ALICE)
    browser.send("/auth/login", "POST", data=ALICE)
    for _ in range(20):
        browser.send("/create")


@pytest.mark.parametrize(("app", "kept"), [("port", True), ("naive", False)])
def test_p081_who_logs_in_on_one_stack_is_a_stranger_to_the_other_without_the_kit(
    folder: Path, app: str, kept: bool
) -> None:
    with gateway(folder, f"tests.blog.{app}:app") as running:
        browser = visit(folder, planned(folder, running, 50, "a"), log_in_and_stay)
    _, login, *answers = browser.seen
    welcome = {answer.headers["x-served-by"] for answer in answers if answer.status_code == 200}
    assert {answer.headers["x-served-by"] for answer in answers} == {"legacy", "modern"}
    assert welcome == ({"legacy", "modern"} if kept else {login.headers["x-served-by"]})


@contextmanager
def alone(folder: Path, app: str) -> Iterator[str]:
    with started(folder, "uvicorn", app, "--port=0") as running:
        wait(lambda: "running on" in running.errors)
        yield running.errors.partition("running on ")[2].split()[0]


def noticed(seen: dict[str, Any], expected: dict[str, Any]) -> str:
    """What of an answer differs."""
    keys = seen.keys() | expected.keys()
    return " ".join(sorted(key for key in keys if seen.get(key) != expected.get(key)))
