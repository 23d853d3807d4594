"""Rows that need more than one request, or a look at more than one answer."""

import json

import pytest

from tests.differential.framing import Answer
from tests.differential.probes.probe import JSON, get, post, probe
from tests.differential.servers import Target
from tests.differential.twin import create_app
from tests.differential.wire import converse
from tests.parity.servers import BEHIND, KIT, NAIVE, named

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("parity")]  # its servers start once

Running = tuple[Target, ...]
_PORTS = (KIT, BEHIND)


def answer(target: Target, raw: bytes) -> Answer:
    """The one answer to a request that belongs to no row."""
    (final,) = converse(target.address, probe("", "", raw)).finals
    return final


def cookie(final: Answer) -> str:
    """What a browser sends back."""
    return "Cookie: " + "; ".join(line.split(";")[0] for line in final.all("set-cookie"))


def test_p025_flask_is_pretty_in_debug_mode_only() -> None:
    app = create_app()
    plain = app.test_client().get("/json").text
    app.debug = True

    assert "\n  " in app.test_client().get("/json").text
    assert "\n  " not in plain


@pytest.mark.parametrize("name", _PORTS)
def test_p052_no_answer_repeats_what_was_sent(name: str, running: Running) -> None:
    secret = post("/jitem", b'{"qty":"hunter2"}', JSON)

    assert b"hunter2" not in answer(named(running, name), secret).body
    assert b"hunter2" in answer(named(running, NAIVE), secret).body


@pytest.mark.parametrize("name", _PORTS)
@pytest.mark.parametrize("there", [True, False], ids=["from Flask", "to Flask"])
def test_p081_a_session_goes_on_on_the_other_stack(
    name: str, there: bool, running: Running
) -> None:
    first, second = (running[0], named(running, name))[:: 1 if there else -1]

    written = cookie(answer(first, get("/sess")))

    assert json.loads(answer(second, get("/sessread", written)).body) == {"u": 1}


def test_p081_the_naive_port_logs_everyone_out(running: Running) -> None:
    written = cookie(answer(running[0], get("/sess")))

    found = json.loads(answer(named(running, NAIVE), get("/sessread", written)).body)

    assert found == {"u": None}


@pytest.mark.parametrize("name", _PORTS)
@pytest.mark.parametrize("path", ["/etag", "/weak", "/static/a.txt", "/memory"])
def test_p094_a_tag_that_was_received_is_not_modified(
    name: str, path: str, running: Running
) -> None:
    tag = answer(running[0], get(path)).get("etag")

    again = answer(named(running, name), get(path, f"If-None-Match: {tag}"))

    assert (again.status, again.body, again.get("etag")) == (304, b"", tag)


@pytest.mark.parametrize("name", _PORTS)
@pytest.mark.parametrize("path", ["/static/a.txt", "/sf"])
def test_p095_both_stacks_give_a_file_the_same_tag(name: str, path: str, running: Running) -> None:
    expected, got = (answer(one, get(path)) for one in (running[0], named(running, name)))

    assert expected.get("etag")
    assert got.get("etag") == expected.get("etag")
    assert got.get("last-modified") == expected.get("last-modified")
