"""What the shield lets through to the control plane, and what it answers itself."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from gateway.control import problems
from gateway.control.shield import BODY_LIMIT, Shield, own_names
from gateway.messages import App, Message, Receive, Scope, Send
from tests.drive import Answer, AsgiTarget, Request

NAMES = own_names("192.0.2.10", ("Ops.example", "fd00:0::1"))
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
PAGE = "https://evil.example"


@dataclass
class Inside:
    """The app behind the shield: keeps what reached it, and answers with headers of its own."""

    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.bodies.append(body)
        headers = [
            (b"content-type", b"text/plain"),
            (b"Cache-Control", b"public"),
            (b"x-own", b"1"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"inside"})


@dataclass
class Client:
    """Sends a request as the given messages; `read` counts those that were taken."""

    parts: Iterable[Message]
    read: int = 0

    async def send(self, app: App, headers: list[tuple[bytes, bytes]]) -> list[Message]:
        sent: list[Message] = []
        parts = iter(self.parts)

        async def receive() -> Message:
            self.read += 1
            return next(parts)

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/api/v1/plan",
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), *headers],
        }  # fmt: skip
        await app(scope, receive, send)
        return sent


@pytest.fixture
def inside() -> Inside:
    return Inside()


async def ask(
    inside: App,
    method: str = "GET",
    target: str = "/api/v1/plan",
    body: bytes = b"",
    **headers: str,
) -> Answer:
    sent = {"host": "localhost:8001"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return await AsgiTarget(Shield(inside, NAMES)).send(Request(method, target, sent, body))


async def silence() -> Message:
    raise AssertionError("nothing is received")


def code(answer: Answer) -> str:
    assert answer.header("content-type") == problems.MEDIA_TYPE
    return str(json.loads(answer.body)["code"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8001", "LocalHost:1", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[::1]:8001",
        "[0:0:0:0:0:0:0:1]:8001", "192.0.2.10:8001", "ops.example", "OPS.EXAMPLE:443", "[fd00::1]:8001",
        "[FD00::0001]",
    ],
)  # fmt: skip
async def test_b026_the_control_plane_answers_to_its_own_names(inside: Inside, host: str) -> None:
    assert (await ask(inside, host=host)).body == b"inside"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.com", "evil.localhost", "127.0.0.1.nip.io", "localhost:8001@evil",
        "evil@localhost", "user:pw@localhost:8001", "localhost.", "localhost:", "localhost:80:80",
        "localhost:8001/", "localhost/x", "localhost#x", "localhost?x", "evil/@x?y#z", "", " localhost",
        "localhost ", "localhost\t", "localhost,evil.com", "localhost\rX-Evil: 1", "localhost\x00",
        "127.1", "0x7f000001", "2130706433", "0.0.0.0", "[::]", "::1", "[::1", "::1]", "[[::1]]", "[::1]x",
        "[::ffff:127.0.0.1]", "[::1%25lo]", "[localhost]", "192.0.2.11", "xops.example", "ops.example.com",
        "ops-example", "*", "null", "loc\xe1lhost", "\uff4cocalhost".encode().decode("latin-1"),
        "a" * 65_536,
    ],
)  # fmt: skip
async def test_b026_b081_a_host_of_anybody_else_is_refused(inside: Inside, host: str) -> None:
    answer = await ask(inside, host=host)
    assert (answer.status, code(answer)) == (421, "wrong_host")
    assert inside.bodies == []
    assert host == "" or len(answer.body) < 300


@pytest.mark.parametrize("hosts", [[], [b"localhost", b"localhost"], [b"localhost", b"evil"]])
async def test_b026_a_request_names_its_host_once(inside: Inside, hosts: list[bytes]) -> None:
    async def without(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"host", host) for host in hosts]
        await Shield(inside, NAMES)({**scope, "headers": headers}, receive, send)

    answer = await AsgiTarget(without).send(Request("GET", "/"))
    assert (answer.status, code(answer)) == (400, "host_required")


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_probes_may_call_by_any_address(inside: Inside, path: str) -> None:
    assert (await ask(inside, target=path, host="10.4.2.1:8001")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/health/", "/health/../api/v1/plan", "/health%2f..%2fapi", "//health", "/HEALTH", "/x/health",
        "/health%00", "/health;x", "/./health", "/metrics/..", "/api/v1/plan?/health",
    ],
)  # fmt: skip
async def test_b082_no_spelling_of_a_path_passes_for_a_probe(inside: Inside, path: str) -> None:
    assert (await ask(inside, target=path, host="evil.example")).status == 421


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_b081_probes_are_no_way_in_for_pages(inside: Inside, path: str) -> None:
    answer = await ask(inside, target=path, host="10.4.2.1", origin=PAGE)
    assert (answer.status, code(answer)) == (403, "cross_origin")


def test_an_address_that_stands_for_all_is_no_name() -> None:
    assert own_names("0.0.0.0", ()) == own_names("::", ("",)) == own_names("localhost", ())


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "origin",
    [
        PAGE, "null", "", "http://localhost.evil.com", "http://localhost@evil.com", "http://localhost/",
        "localhost", "file://", "chrome-extension://localhost", "http://127.0.0.1.nip.io:8001", "http://localhost http://evil",
        "http://localhost\nhttps://evil.example",
    ],
)  # fmt: skip
async def test_b081_a_page_of_another_site_is_refused(
    inside: Inside, method: str, origin: str
) -> None:
    answer = await ask(inside, method, body=b"{}", origin=origin, **JSON)
    assert (answer.status, code(answer)) == (403, "cross_origin")
    assert inside.bodies == []


@pytest.mark.parametrize(
    "origin", ["http://localhost:8001", "https://OPS.example", "http://[::1]:8001"]
)
async def test_its_own_pages_may_call_it(inside: Inside, origin: str) -> None:
    answer = await ask(
        inside, "POST", body=b"{}", origin=origin, sec_fetch_site="same-origin", **JSON
    )
    assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 200), ("POST", 403), ("DELETE", 403), ("TRACE", 403)]
)
async def test_b081_a_link_may_lead_here_but_a_foreign_page_changes_nothing(
    inside: Inside, method: str, status: int
) -> None:
    assert (await ask(inside, method, sec_fetch_site="Cross-Site")).status == status


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"reason=x&modern=100"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("text/plain", b'{"reason": "x"}'),
        ("text/plain; application/json", b"{}"),
        ("application/json, text/plain", b"{}"),
        ("application/json\ntext/plain", b"{}"),
        ("application/jsonp", b"{}"),
        ("application/x-www-form-urlencoded", b""),
        ("", b"{}"),
    ],
)
async def test_b081_what_a_form_can_send_is_refused(
    inside: Inside, content_type: str, body: bytes
) -> None:
    """Even as an old browser sends it, with neither Origin nor Sec-Fetch-Site."""
    answer = await ask(inside, "POST", body=body, content_type=content_type)
    assert (answer.status, code(answer)) == (415, "json_required")
    assert inside.bodies == []


@pytest.mark.parametrize("framing", [{}, {"transfer-encoding": "chunked"}])
async def test_b081_a_body_says_that_it_is_json(inside: Inside, framing: dict[str, str]) -> None:
    request = Request("POST", "/api", {"host": "localhost", **framing}, b"{}")
    assert (await AsgiTarget(Shield(inside, NAMES)).send(request)).status == 415


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("headers", [JSON, {"content-type": "Application/JSON; charset=utf-8"}])
async def test_json_passes_unchanged(inside: Inside, method: str, headers: dict[str, str]) -> None:
    await ask(inside, method, body=b'{"a": 1}', **headers)
    assert inside.bodies == [b'{"a": 1}']


async def test_a_change_may_have_no_body(inside: Inside) -> None:
    assert (await ask(inside, "DELETE", content_length="0")).status == 200


@pytest.mark.parametrize("length", [b"10485760", b"2097153", b"0002097153", b"9" * 5000])
async def test_b082_a_body_declared_too_large_is_refused_unread(
    inside: Inside, length: bytes
) -> None:
    client = Client([])
    start, body = await client.send(Shield(inside, NAMES), [(b"content-length", length)])
    assert (start["status"], client.read) == (413, 0)
    assert (b"connection", b"close") in start["headers"]
    assert json.loads(body["body"])["code"] == "body_too_large"


async def test_b082_a_chunked_body_is_read_up_to_the_limit_only(inside: Inside) -> None:
    mib: Message = {"type": "http.request", "body": b"x" * (1 << 20), "more_body": True}
    client = Client([mib] * 10)
    start, _ = await client.send(Shield(inside, NAMES), [(b"transfer-encoding", b"chunked")])
    assert (start["status"], client.read) == (413, 3)
    assert inside.bodies == []


async def test_a_body_of_just_the_limit_passes_whole(inside: Inside) -> None:
    half = b"x" * (BODY_LIMIT // 2)
    parts: list[Message] = [
        {"type": "http.request", "body": half, "more_body": True},
        {"type": "http.request", "body": half, "more_body": True},
        {"type": "http.request"},
    ]
    await Client(parts).send(Shield(inside, NAMES), [(b"content-length", b"%d" % BODY_LIMIT)])
    assert inside.bodies == [half + half]


async def test_a_length_may_begin_with_zeros(inside: Inside) -> None:
    headers = [(b"content-length", b"%020d" % 2)]
    await Client([{"type": "http.request", "body": b"{}"}]).send(Shield(inside, NAMES), headers)
    assert inside.bodies == [b"{}"]


async def test_a_client_that_leaves_is_not_answered(inside: Inside) -> None:
    parts: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert await Client(parts).send(Shield(inside, NAMES), []) == []
    assert inside.bodies == []


async def test_the_app_hears_that_the_client_left() -> None:
    heard: list[str] = []

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])

    parts: list[Message] = [{"type": "http.request"}, {"type": "http.disconnect"}]
    await Client(parts).send(Shield(listening, NAMES), [])
    assert heard == ["http.request", "http.disconnect"]


ASKED = [
    pytest.param({}, 200, id="answer"),
    pytest.param({"host": "evil"}, 421, id="host"),
    pytest.param({"origin": PAGE}, 403, id="origin"),
]


@pytest.mark.parametrize(("headers", "status"), ASKED)
@pytest.mark.parametrize("target", ["/", "/api/v1/plan", "/static/x.js"])
async def test_b081_every_answer_tells_browsers_to_be_careful(
    inside: Inside, headers: dict[str, str], status: int, target: str
) -> None:
    answer = await ask(inside, "GET", target, b"", **headers)
    assert answer.status == status
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("x-frame-options") == "DENY"
    assert answer.header("content-security-policy") == (
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
    assert answer.header("referrer-policy") == "no-referrer"
    assert answer.header("cross-origin-resource-policy") == "same-origin"
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("target", "kept"), [("/api", "no-store"), ("/api/v1/plan", "no-store"), ("/apix", "public")]
)
async def test_answers_of_the_api_are_kept_nowhere(inside: Inside, target: str, kept: str) -> None:
    answer = await ask(inside, target=target)
    lines = [value for name, value in answer.headers if name.lower() == "cache-control"]
    assert lines == [kept]
    assert answer.header("x-own") == "1"


async def test_a_websocket_is_refused_before_it_opens(inside: Inside) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await Shield(inside, NAMES)({"type": "websocket", "path": "/", "headers": []}, silence, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert inside.bodies == []


async def test_a_lifespan_passes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await Shield(app, NAMES)({"type": "lifespan"}, silence, send)
    assert seen == ["lifespan"]
