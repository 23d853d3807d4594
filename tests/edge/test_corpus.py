"""The conformance corpus before `banyan serve`."""

from collections.abc import Callable, Iterator

import pytest

from tests.edge.corpus import CORPUS, count
from tests.edge.servers import serving
from tests.edge.wire import Client, ask, connected, get

pytestmark = pytest.mark.e2e

# As gunicorn, on purpose: P117. Other Hosts than these make no other URL of a request.
LENIENT = {"host-missing", "host-with-space", "host-with-backslash", "host-with-a-word-for-port"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving("banyan", tmp_path_factory.mktemp("corpus")) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with connected(port) as one:
        yield one


def test_b130_the_conformance_corpus(
    port: int, record_property: Callable[[str, object], None]
) -> None:
    failed = count(port)
    record_property("conformance", f"{len(CORPUS) - len(failed)} of {len(CORPUS)}")
    assert failed.keys() == LENIENT, failed


def test_the_corpus_has_125_cases_with_names_of_their_own() -> None:
    assert len({case.name for case in CORPUS}) == len(CORPUS) >= 125


def test_t60_p124_flask_answers_a_method_it_does_not_know(port: int) -> None:
    unknown = ask(port, get(method="FOO"))
    assert unknown.status == 405
    assert b"GET" in unknown.one(b"allow")


def test_b024_trace_is_not_echoed(port: int) -> None:
    assert b"secret" not in ask(port, get("/", "X-A: secret", method="TRACE")).body


def test_t12_p125_flask_streams_to_http_1_0_without_chunks(client: Client) -> None:
    client.send(get("/stream", version="1.0"))
    assert client.read().body == b"0\n1\n2\n"


def test_b025_flask_has_no_body_where_none_belongs(client: Client) -> None:
    client.send(get("/204") + get("/304") + get("/stream", method="HEAD") + get("/stream"))
    answers = [client.read(), client.read(), client.read("HEAD"), client.read()]
    assert [(answer.status, answer.body) for answer in answers] == [
        (204, b""), (304, b""), (200, b""), (200, b"0\n1\n2\n"),
    ]  # fmt: skip


def test_p116_one_date_and_one_server(port: int) -> None:
    answered = ask(port, get())
    assert len(answered.all(b"date")) == len(answered.all(b"server")) == 1
