"""The WSGI environ that the app gets behind Banyan, key by key beside gunicorn's."""

import json
from typing import Any, Final

import pytest

from tests.differential.probes.probe import Probe, chunked, get, post, probe
from tests.differential.servers import Target
from tests.differential.wire import converse

pytestmark = pytest.mark.e2e

PROBES: Final = (
    probe(
        "P093",
        "post",
        post("/environ/a%20b?c=d%20e", b"hello", "Content-Type: text/plain", "X-A: 1", "X-A: 2"),
    ),
    probe("P021", "absolute form", get("http://other.example/environ?x=1")),
    probe("B023", "fragment", get("/environ?x=1#f")),
    probe("B011", "old", get("/environ", version="1.0")),
    probe("P127", "chunked", chunked("/environ", b"hel", b"lo")),
    probe("P091", "behind a proxy", get("/environ", "X-Forwarded-Proto: https", "Cookie: a=1")),
)

ADDED: Final = {
    "HTTP_X_REQUEST_ID": "the gateway's id of the request, for the logs of both stacks",
    "banyan.faults": "where what Flask makes a 500 of is written down",
    "banyan.portal": "how a view reaches the services of the modern app, in process only",
    "banyan.state": "the modern app's lifespan state, in process only",
}
MISSING: Final = {
    "gunicorn.socket": "the socket is the server's, and no thread of the app may write to it",
    "wsgi.early_hints": "an extension of gunicorn's own: ASGI servers send no 103",
}
OTHER: Final = {
    "RAW_URI": "ASGI has the target in parts: the authority of an absolute form and a fragment are gone",
    "REMOTE_PORT": "each connection has its own",
    "SERVER_NAME": "where the server listens: a process has a socket file and goes by the Host",
    "SERVER_PORT": "likewise",
    "SERVER_SOFTWARE": "who answers",
    "wsgi.errors": "another object that writes to standard error",
    "wsgi.file_wrapper": "another class of the same use",
    "wsgi.input": "another file: the body is complete before the app is called",
}


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.id)
@pytest.mark.parametrize("number", [1, 2], ids=["in process", "process"])
def test_t10_every_other_key_of_the_environ_is_gunicorns(
    probe: Probe, number: int, banyans: tuple[Target, ...]
) -> None:
    expected, got = environ(banyans[0], probe), environ(banyans[number], probe)

    assert got.keys() - expected.keys() <= ADDED.keys()
    assert expected.keys() - got.keys() <= MISSING.keys()
    shared = (expected.keys() & got.keys()) - OTHER.keys()
    assert {key: got[key] for key in shared} == {key: expected[key] for key in shared}
    assert expected["RAW_URI"].partition("#")[0].endswith(got["RAW_URI"])


def test_t10_each_listed_difference_is_there(banyans: tuple[Target, ...]) -> None:
    expected, got = environ(banyans[0], PROBES[0]), environ(banyans[1], PROBES[0])

    assert got.keys() - expected.keys() == ADDED.keys()
    assert expected.keys() - got.keys() == MISSING.keys()


def environ(target: Target, probe: Probe) -> dict[str, Any]:
    (answer,) = converse(target.address, probe).finals
    found: dict[str, Any] = json.loads(answer.body)
    return found
