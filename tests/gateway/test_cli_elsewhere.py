"""A control plane elsewhere that refuses, is another version, or is none: commands say so and what to do."""

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
import structlog
import uvicorn
from starlette.types import ASGIApp

from gateway.control.app import create_control
from gateway.control.tokens import Role, make
from gateway.settings import Settings
from gateway.store.opening import open_store
from gateway.store.tokens import Tokens
from tests.gateway import test_cli
from tests.gateway.test_cli_errors import ACT, ASKING, WHY, assert_told, at_first, logs, planned

Shell = test_cli.Shell
shell = test_cli.shell
__all__ = ["logs", "shell"]  # fixtures

WHERE = "is BANYAN_SERVER or --server right, and does `banyan control` run there?"


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The URL of an app on a free port, of which nothing is logged where commands print."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def token(shell: Shell, role: Role) -> str:
    """A new one, in the store of the shell's folder."""
    store = open_store(f"sqlite:///{shell.folder}/var/banyan.db")
    text, made = make("bob", role, "ann", 0.0, None)
    Tokens(store.database).add(made, ACT)
    store.close()
    return text


@pytest.fixture
def remote(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell that asks a control plane elsewhere, with a viewer's token."""
    planned(shell)
    with serving(create_control(Settings())) as url:
        monkeypatch.setenv("BANYAN_SERVER", url)
        monkeypatch.setenv("BANYAN_TOKEN", token(shell, Role.VIEWER))
        yield shell


def test_a_token_that_is_none_is_refused_with_how_to_get_one(
    remote: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANYAN_TOKEN", "banyan_abcdefgh_" + "x" * 32)
    assert remote("status") == 1
    assert_told(remote)
    assert (
        "does not take the token in BANYAN_TOKEN; on its machine, `banyan token create"
        in remote.err
    )


@pytest.mark.parametrize("text", ["", "  ", "ключ", "a\nb"])
def test_a_token_that_cannot_be_sent_is_refused_here(
    remote: Shell, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("BANYAN_TOKEN", text)
    assert remote("status") == 1
    assert_told(remote)
    assert "BANYAN_TOKEN" in remote.err


def test_a_viewer_is_told_which_role_a_change_takes(remote: Shell) -> None:
    assert remote("kill", *WHY) == 1
    assert_told(remote)
    role = "this takes the role operator; `bob` is viewer"
    assert f"{role}; an admin makes one: `banyan token create NAME --role operator`" in remote.err


def test_a_viewer_reads_what_the_store_of_this_machine_has(remote: Shell) -> None:
    assert remote("history", "--json") == 0
    assert [one["actor"] for one in json.loads(remote.out)["items"]] == ["cli:ann"]


class Fake:
    """An HTTP server that gives one answer to everything."""

    def __init__(self, status: int, kind: str, body: str, **headers: str) -> None:
        self.status, self.kind, self.body, self.headers = status, kind, body, headers

    @contextmanager
    def at(self) -> Iterator[str]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(fake.status)
                self.send_header("content-type", fake.kind)
                for name, value in fake.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(fake.body.encode())

            def log_message(self, *args: object) -> None:
                """Says nothing."""

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.answer)

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join(10)


@pytest.fixture
def elsewhere(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the shell ask a URL."""
    at_first(shell)
    monkeypatch.setenv("BANYAN_TOKEN", "banyan_x")

    def ask(url: str) -> None:
        monkeypatch.setenv("BANYAN_SERVER", url)

    return ask


@pytest.mark.parametrize(
    ("fake", "said"),
    [
        (Fake(200, "text/html", "<h1>hello</h1>"), f"(status 200, text/html); {WHERE}"),
        (Fake(404, "text/html", "<h1>nothing</h1>"), f"(status 404, text/html); {WHERE}"),
        (Fake(404, "application/json", '{"error": "not found"}'), f"(status 404, application/json); {WHERE}"),
        (Fake(301, "text/html", "", location="https://b.example/"), f"(status 301 to https://b.example/, text/html); {WHERE}"),
        (Fake(404, "text/html", "no", x_served_by="legacy"), "(status 404, text/html); clients are answered there; the control plane has a port of its own, 8001 by default"),
        (Fake(502, "text/html", "<h1>bad gateway</h1>"), f"(status 502, text/html); {WHERE}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("arguments", [("status",), ("kill", *WHY)], ids=" ".join)
def test_somebody_else_who_listens_there_is_no_control_plane(
    shell: Shell,
    elsewhere: Callable[[str], None],
    fake: Fake,
    said: str,
    arguments: tuple[str, ...],
) -> None:
    with fake.at() as url:
        elsewhere(url)
        assert shell(*arguments) == 1
        assert_told(shell)
        assert shell.err == f"banyan: no control plane at {url} {said}\n"


@pytest.mark.parametrize("arguments", ASKING, ids=" ".join)
@pytest.mark.parametrize("body", ["{}", "[]"])
def test_an_answer_of_another_version_that_lacks_something_is_no_crash(
    shell: Shell, elsewhere: Callable[[str], None], arguments: tuple[str, ...], body: str
) -> None:
    with Fake(200, "application/json", body).at() as url:
        elsewhere(url)
        if shell(*arguments) == 0:  # an empty list is one, and a revoked token has no answer
            lists = {("token", "list"), ("ramp", "status")}
            assert arguments[:2] in {*lists, ("token", "revoke")}
            return
        assert_told(shell)
        assert f"{url} gives an answer that this version of banyan cannot read" in shell.err
        assert shell.err.endswith(": use the version that runs there\n")


MAPS = {"breakers", "events", "approved"}  # their keys are no fields


def enriched(document: Any, name: str = "") -> Any:
    """Every object has a field that nobody knows yet."""
    if isinstance(document, dict):
        later = {} if name in MAPS else {"later": {"a": [1]}}
        return {**later, **{key: enriched(value, key) for key, value in document.items()}}
    return [enriched(one) for one in document] if isinstance(document, list) else document


def later(app: ASGIApp) -> ASGIApp:
    """A control plane whose answers have more fields than today's."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        begun: list[Any] = []

        async def more(message: Any) -> None:
            if message["type"] == "http.response.start":
                begun.append(message)
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            assert not message.get("more_body"), "a whole answer"
            body = json.dumps(enriched(json.loads(message["body"]))).encode()
            heads = [one for one in begun[0]["headers"] if one[0] != b"content-length"]
            await send({**begun[0], "headers": heads})
            await send({**message, "body": body})

        await app(scope, receive, more)

    return wrapped


def test_fields_that_a_later_version_adds_disturb_no_command(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(shell)
    with serving(later(create_control(Settings()))) as url:
        monkeypatch.setenv("BANYAN_SERVER", url)
        monkeypatch.setenv("BANYAN_TOKEN", token(shell, Role.ADMIN))
        failed = {" ".join(one): shell.err for one in ASKING if shell(*one)}
    assert list(failed) == ["ack GET /who --reason because", "token revoke abcdefgh"], failed


def test_a_certificate_that_nobody_knows_is_said_with_how_to_trust_it(
    shell: Shell, elsewhere: Callable[[str], None], tmp_path: Path
) -> None:
    cert, key = tmp_path / "tls.pem", tmp_path / "tls.key"
    command = (
        f"openssl req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=x -keyout {key} -out {cert}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.handle_request)  # one handshake, which fails
        thread.start()
        elsewhere(f"https://127.0.0.1:{server.server_port}")
        assert shell("status") == 1
        thread.join(10)
    assert_told(shell)
    assert "CERTIFICATE_VERIFY_FAILED" in shell.err
    assert (
        "SSL_CERT_FILE names the file with the authority that signed its certificate" in shell.err
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://b.invalid", "ftp://x", "nonsense"])
def test_a_url_where_nobody_answers_is_named(
    shell: Shell, elsewhere: Callable[[str], None], url: str
) -> None:
    elsewhere(url)
    assert shell("kill", *WHY) == 1
    assert_told(shell)
    assert shell.err.startswith(f"banyan: no control plane at {url} (")
    assert shell.err.endswith(f"{WHERE}\n")
