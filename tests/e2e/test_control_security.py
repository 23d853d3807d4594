"""An attacker's view of a control plane that really runs: from the network, from a browser, from its logs."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.planes import ENVIRON, Plane, control, plane

__all__ = ["plane"]

pytestmark = pytest.mark.e2e

EVIL = "http://evil.example"
REASON = {"reason": "the canary is clean"}
SHIFT = {"route": "GET /who", "modern": 0, **REASON}


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ([], 401),
        (["Bearer"], 401),
        (["Bearer banyan_aaaaaaaa_" + "A" * 32], 401),
        (["Basic YWRtaW46YWRtaW4="], 401),
        (["Bearer {root}x"], 401),
        (["Bearer {root}", "Bearer {root}"], 401),
        (["Bearer {root}"], 200),
    ],
)
def test_b080_only_a_whole_token_opens_the_api(
    plane: Plane, authorization: list[str], status: int
) -> None:
    lines = [f"Authorization: {one.format(root=plane.root)}" for one in authorization]
    assert plane.raw("GET /api/v1/plan HTTP/1.1", "Host: localhost", *lines)[0] == status


def test_b080_a_viewer_changes_nothing_and_a_revoked_token_is_not_replayed(plane: Plane) -> None:
    token_id, viewer = plane.token("viewer")
    before = plane.version()
    assert plane.ask("GET", "/plan", token=viewer).status_code == 200
    refused = plane.ask("PATCH", "/plan/routes", {**SHIFT, "modern": 50}, viewer)
    assert (refused.status_code, refused.json()["code"]) == (403, "role_required")
    assert plane.ask("DELETE", f"/tokens/{token_id}").status_code == 204
    assert plane.ask("GET", "/plan", token=viewer).status_code == 401
    assert plane.version() == before


@pytest.mark.parametrize(
    ("hosts", "served"),
    [
        (["evil.example"], False),
        (["127.0.0.1.evil.example"], False),
        (["localhost.evil.example:8001"], False),
        (["evil.example@localhost"], False),
        (["localhost, evil.example"], False),
        (["LOCALHOST.:1"], False),
        (["169.254.169.254"], False),
        (["localhost", "evil.example"], False),
        ([], False),
        ([""], False),
        (["LocalHost:1"], True),
        (["127.0.0.1"], True),
    ],
)
def test_b081_a_name_that_was_turned_to_this_address_reaches_nothing(
    plane: Plane, hosts: list[str], served: bool
) -> None:
    lines = [f"Host: {host}" for host in hosts]
    authorization = f"Authorization: Bearer {plane.root}"
    status, answer = plane.raw("GET /api/v1/plan HTTP/1.1", *lines, authorization)
    assert status == 200 if served else status in {400, 421}, answer


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": EVIL, "Content-Type": "application/x-www-form-urlencoded"}, 403),
        ({"Origin": "null", "Content-Type": "text/plain"}, 403),
        ({"Origin": EVIL, "Content-Type": "application/json"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, 403),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
    ],
    ids=str,
)
def test_b081_a_page_of_another_site_posts_nothing_even_with_the_token(
    plane: Plane, headers: dict[str, str], status: int
) -> None:
    before = plane.version()
    body = b'{"on": true, "reason": "csrf"}'
    answer = plane.ask("PUT", "/plan/kill-switch", content=body, headers=headers)
    assert (answer.status_code, plane.version()) == (status, before)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_b081_a_preflight_of_another_site_is_refused(plane: Plane) -> None:
    headers = {"Origin": EVIL, "Access-Control-Request-Method": "PUT"}
    answer = plane.ask("OPTIONS", "/plan", token="", headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/api/v1/plan", "/health", "/metrics", "/nothing", "/api"])
def test_b081_every_answer_tells_browsers_what_not_to_do(plane: Plane, path: str) -> None:
    answer = httpx.get(plane.url + path)
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


TRAVERSALS = [
    "/api/v1/../../etc/passwd",
    "/api/v1/..%2f..%2fetc%2fpasswd",
    "/api/v1/%2e%2e/%2e%2e/etc/passwd",
    "/api/v1/%252e%252e/%252e%252e/etc/passwd",
    "/..;/etc/passwd",
    "/static/../../../../etc/passwd",
    "/static/..\\..\\etc\\passwd",
    "//etc/passwd",
    "/api/v1/versions/..%2f..%2fetc%2fpasswd",
    "/api/v1/tokens/..%2f..%2fplan",
    "/api/v1/plan%00.html",
    "/api/v1/plan/%0d%0aSet-Cookie:%20a=b",
    "/API/v1/plan",
    "/api/v1//plan",
    "/api/v1/plan/",
    "http://evil.example/api/v1/planX",
    "/\xff\xfe",
    "/" + "a" * 60_000,
]


@pytest.mark.parametrize("path", TRAVERSALS, ids=range(len(TRAVERSALS)))
def test_b082_no_path_leads_out(plane: Plane, path: str) -> None:
    authorization = f"Authorization: Bearer {plane.root}"
    status, answer = plane.raw(f"GET {path} HTTP/1.1", "Host: localhost", authorization)
    assert 400 <= status < 500, answer
    assert b"root:" not in answer
    assert b"set-cookie" not in answer.lower().partition(b"\r\n\r\n")[0]


def test_b082_ten_megabytes_are_refused_by_what_they_say_of_themselves(plane: Plane) -> None:
    status, answer = plane.raw(
        "PUT /api/v1/plan HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Content-Length: 10485760",
    )
    assert (status, b"body_too_large" in answer) == (413, True)


def test_b082_ten_megabytes_that_say_nothing_of_themselves_are_cut(plane: Plane) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(160):
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    try:
        answer = plane.ask("PUT", "/plan", content=chunks(), headers=headers)
    except httpx.TransportError:  # it hung up while we were still sending
        pass
    else:
        assert answer.status_code == 413
    assert plane.ask("GET", "/plan").status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b"{" * 200_000, b'{"a":' * 100_000, b'"\\ud800"', b"\xff\xfe", b"9" * 5000],
    ids=range(6),
)
def test_b082_a_hostile_body_is_a_wrong_one(plane: Plane, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "If-Match": '"1"'}
    answer = plane.ask("PUT", "/plan", content=body, headers=headers)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_b082_a_hundred_large_plans_of_a_viewer_keep_no_operator_waiting(plane: Plane) -> None:
    _, viewer = plane.token("viewer")
    headers = {"Authorization": f"Bearer {viewer}"}
    body = {"document": "".join(f"k{number}: 1\n" for number in range(1500))}
    with ExitStack() as stack:
        for _ in range(100):  # each takes a second of the one thread that they have
            connection = stack.enter_context(socket.create_connection(plane.address, timeout=10))
            url = f"{plane.url}/api/v1/plan/check"
            request = httpx.Request("POST", url, headers=headers, json=body)
            head = [f"POST {request.url.path} HTTP/1.1"]
            head += [f"{name}: {value}" for name, value in request.headers.items()]
            connection.sendall("\r\n".join([*head, "", ""]).encode() + request.content)
        before = time.monotonic()
        answer = plane.ask("PUT", "/plan/kill-switch", {"on": True, **REASON})
        assert answer.status_code == 200
        assert time.monotonic() - before < 5
    plane.ask("PUT", "/plan/kill-switch", {"on": False, **REASON})


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: a=b", "a\nb", "\x1b]0;x\x07", "\x00", "\x9b2J"])
def test_b082_nothing_stored_can_forge_a_line_or_a_header(plane: Plane, text: str) -> None:
    before = plane.version()
    for method, path, body in (
        ("PATCH", "/plan/routes", {**SHIFT, "modern": 7, "reason": text}),
        ("PATCH", "/plan/routes", {**SHIFT, "modern": 7, "route": f"GET /who{text}"}),
        ("POST", "/tokens", {"name": text, "role": "viewer"}),
    ):
        answer = plane.ask(method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert "set-cookie" not in answer.headers
    assert plane.version() == before


@pytest.mark.parametrize("header", ["If-Match", "Last-Event-ID", "X-Forwarded-For", "X-Request-Id"])
def test_b082_no_header_comes_back_as_one(plane: Plane, header: str) -> None:
    status, answer = plane.raw(
        "PATCH /api/v1/plan/routes HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {plane.root}",
        f'{header}: "1"\r Set-Cookie: a=b',
    )
    assert 400 <= status < 500
    assert b"set-cookie" not in answer.lower().partition(b"\r\n\r\n")[0]


def test_b080_who_tries_tokens_is_slowed_down_and_who_has_one_is_not(tmp_path: Path) -> None:
    with control(tmp_path, **ENVIRON) as running:
        plane = Plane(running)
        wrong = "banyan_aaaaaaaa_" + "A" * 32
        statuses = [plane.ask("GET", "/tokens", token=wrong).status_code for _ in range(30)]
        assert set(statuses) == {401, 429}
        assert statuses.index(429) >= 10
        assert plane.ask("GET", "/tokens").status_code == 200
        actions = [line["action"] for line in plane.ask("GET", "/audit").json()["items"]]
        assert 1 <= actions.count("token.unknown") < 30
