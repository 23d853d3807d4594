"""The doors of the admin API, one of each role, and who gets through them."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from structlog.testing import capture_logs

from gateway.control import problems
from gateway.control.auth import (
    CALLER,
    Admin,
    Auth,
    Caller,
    Operator,
    Viewer,
    client_address,
    require,
)
from gateway.control.tokens import Role, StoredToken, make
from gateway.errors import BanyanError
from gateway.messages import App, Receive, Scope, Send
from tests.drive import Answer, AsgiTarget, Request

PROXY = "10.0.0.1"
CLIENT = "192.0.2.7"


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Shelf:
    """A TokenStore, in memory."""

    tokens: dict[str, StoredToken] = field(default_factory=dict)

    def find(self, token_id: str, /) -> StoredToken | None:
        return self.tokens.get(token_id)

    def new(self, name: str, role: Role, ttl: float | None = None) -> str:
        text, stored = make(name, role, "cli:ann", 1_000_000.0, ttl)
        self.tokens[stored.id] = stored
        return text

    def revoke(self, text: str) -> None:
        token_id = text.split("_")[1]
        self.tokens[token_id] = replace(self.tokens[token_id], revoked=1_000_000.0)


@dataclass
class Desk:
    """An app with a door for each role, its tokens, its clock and what it audited."""

    shelf: Shelf = field(default_factory=Shelf)
    clock: Clock = field(default_factory=Clock)
    audited: list[tuple[str, str, str]] = field(default_factory=list)
    compared: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.auth = Auth(
            self.shelf,
            lambda *line: self.audited.append(line),
            (ip_network(PROXY),),
            now=self.clock,
            ticks=self.clock,
            compare=self._compare,
        )
        self.app = FastAPI(telemetry={"tracing": False})
        self.app.state.auth = self.auth
        problems.install(self.app)

        @self.app.get("/viewer")
        async def view(caller: Viewer) -> dict[str, str]:
            return {"actor": caller.actor, "origin": caller.origin}

        @self.app.get("/operator")
        async def operate(caller: Operator) -> dict[str, str]:
            return {"actor": caller.actor}

        @self.app.post("/admin")
        async def administer(caller: Admin, wanted: int) -> dict[str, str]:
            return {"actor": caller.actor}

    def _compare(self, one: bytes, other: bytes) -> bool:
        self.compared.append(len(one))
        return hmac.compare_digest(one, other)

    async def ask(
        self,
        target: str = "/viewer",
        token: str | None = None,
        *,
        peer: str = CLIENT,
        method: str = "GET",
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        return await AsgiTarget(scoped(self.app, client=(peer, 1))).send(
            Request(method, target, sent)
        )


def scoped(app: App, **keys: object) -> App:
    """The app, with keys of the scope as a server or a transport sets them."""

    async def changed(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, **keys}, receive, send)

    return changed


@pytest.fixture
def desk() -> Desk:
    return Desk()


def wrong(desk: Desk) -> str:
    return desk.shelf.new("ci", Role.ADMIN)[:-32] + "A" * 32


def revoked(desk: Desk) -> str:
    token = desk.shelf.new("ci", Role.ADMIN)
    desk.shelf.revoke(token)
    return token


def expired(desk: Desk) -> str:
    token = desk.shelf.new("ci", Role.ADMIN, ttl=60)
    desk.clock.now += 60
    return token


def unknown(desk: Desk) -> str:
    return make("ci", Role.ADMIN, "cli:ann", 0, None)[0]


BAD = [
    pytest.param(lambda desk: None, "token.missing", id="none"),
    pytest.param(lambda desk: "", "token.missing", id="empty"),
    pytest.param(lambda desk: "secret", "token.missing", id="malformed"),
    pytest.param(lambda desk: "banyan_\xff\x00\x1b[2J_x", "token.missing", id="junk"),
    pytest.param(unknown, "token.unknown", id="unknown"),
    pytest.param(wrong, "token.wrong", id="wrong"),
    pytest.param(revoked, "token.revoked", id="revoked"),
    pytest.param(expired, "token.expired", id="expired"),
]
Token = Callable[[Desk], str | None]


async def test_a_token_names_the_actor_and_the_address_it_came_from(desk: Desk) -> None:
    answer = await desk.ask(token=desk.shelf.new("ci", Role.VIEWER))
    assert answer.json() == {"actor": "api:ci", "origin": CLIENT}


async def test_the_scheme_is_read_in_any_case(desk: Desk) -> None:
    token = desk.shelf.new("ci", Role.VIEWER)
    assert (await desk.ask(authorization=f"bearer  {token} ")).status == 200


@pytest.mark.parametrize(("token", "action"), BAD)
async def test_b080_a_client_cannot_tell_what_is_wrong_with_its_token(
    desk: Desk, token: Token, action: str
) -> None:
    answer = await desk.ask(token=token(desk))
    nothing = await Desk().ask()
    assert answer == nothing
    assert answer.status == 401
    assert answer.header("www-authenticate") == "Bearer"
    assert answer.json()["code"] == "token_required"


@pytest.mark.parametrize(("token", "action"), BAD)
async def test_b080_the_audit_tells_what_was_wrong(desk: Desk, token: Token, action: str) -> None:
    text = token(desk)
    known = "ci" if desk.shelf.tokens else ""
    await desk.ask(token=text)
    assert desk.audited == [(action, CLIENT, known)]


@pytest.mark.parametrize(
    "token", [unknown, wrong, revoked, lambda desk: desk.shelf.new("ok", Role.ADMIN)]
)
async def test_b080_known_and_unknown_tokens_are_compared_alike(desk: Desk, token: Token) -> None:
    await desk.ask(token=token(desk))
    assert desk.compared == [32]


async def test_b080_a_token_that_was_good_is_refused_once_it_is_revoked(desk: Desk) -> None:
    token = desk.shelf.new("ci", Role.VIEWER)
    assert (await desk.ask(token=token)).status == 200
    desk.shelf.revoke(token)
    assert (await desk.ask(token=token)).status == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic {}",
        "{}",
        "Token {}",
        "Bearer {0}, Bearer {0}",
        "Bearer {0}\nBearer {0}",
        "Bearer {0} x",
    ],
)
async def test_b080_a_good_token_counts_only_as_the_one_bearer(
    desk: Desk, authorization: str
) -> None:
    token = desk.shelf.new("ci", Role.ADMIN)
    assert (await desk.ask(authorization=authorization.format(token))).status == 401


async def test_b080_a_cookie_opens_nothing(desk: Desk) -> None:
    token = desk.shelf.new("ci", Role.ADMIN)
    answer = await desk.ask(cookie=f"token={token}; authorization=Bearer {token}")
    assert answer.status == 401


@pytest.mark.parametrize(
    ("role", "door", "method", "status"),
    [
        (Role.VIEWER, "/viewer", "GET", 200),
        (Role.VIEWER, "/operator", "GET", 403),
        (Role.VIEWER, "/admin?wanted=1", "POST", 403),
        (Role.OPERATOR, "/viewer", "GET", 200),
        (Role.OPERATOR, "/operator", "GET", 200),
        (Role.OPERATOR, "/admin?wanted=1", "POST", 403),
        (Role.ADMIN, "/viewer", "GET", 200),
        (Role.ADMIN, "/operator", "GET", 200),
        (Role.ADMIN, "/admin?wanted=1", "POST", 200),
    ],
)
async def test_b080_a_door_opens_to_its_role_and_those_above(
    desk: Desk, role: Role, door: str, method: str, status: int
) -> None:
    answer = await desk.ask(door, desk.shelf.new("ci", role), method=method)
    assert answer.status == status


async def test_b080_a_viewer_is_told_which_role_operators_doors_take(desk: Desk) -> None:
    problem = (await desk.ask("/operator", desk.shelf.new("ci", Role.VIEWER))).json()
    assert problem["code"] == "role_required"
    assert problem["detail"] == "this takes the role operator; `ci` is viewer"
    assert (problem["needed"], problem["role"]) == ("operator", "viewer")
    assert desk.audited == [("role.refused", CLIENT, "ci is viewer, not operator")]


async def test_b080_who_has_no_token_learns_nothing_about_the_parameters(desk: Desk) -> None:
    assert (await desk.ask("/admin?wanted=x", method="POST")).status == 401


@pytest.mark.parametrize(
    "query", ["token={}", "access_token={}", "TOKEN=x", "%74oken={}", "a=1&b={}", "{}", "a=x{}y"]
)
async def test_b080_a_token_in_the_query_is_refused_even_beside_a_good_one(
    desk: Desk, query: str
) -> None:
    token = desk.shelf.new("ci", Role.ADMIN)
    with capture_logs() as logs:
        answer = await desk.ask("/viewer?" + query.format(token), token)
    assert answer.status == 400
    assert answer.json()["code"] == "token_in_query"
    assert token not in f"{answer} {logs} {desk.audited}"
    assert desk.audited == [("token.in_query", CLIENT, "")]


async def test_b080_the_eleventh_failure_at_once_is_told_to_wait(desk: Desk) -> None:
    statuses = [(await desk.ask()).status for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    answer = await desk.ask()
    assert answer.header("retry-after") == "1"
    assert answer.json()["code"] == "too_many_failures"


async def test_b080_one_more_failure_is_answered_each_second(desk: Desk) -> None:
    for _ in range(10):
        await desk.ask()
    desk.clock.now += 1
    assert [(await desk.ask()).status for _ in range(2)] == [401, 429]


@pytest.mark.parametrize("peer", [CLIENT, "192.0.2.8"])
async def test_b080_a_good_token_passes_whatever_failed_beside_it(desk: Desk, peer: str) -> None:
    token = desk.shelf.new("ci", Role.VIEWER)
    for _ in range(30):
        await desk.ask()
    assert (await desk.ask(token=token, peer=peer)).status == 200


async def test_b080_failures_of_one_address_are_not_held_against_another(desk: Desk) -> None:
    for _ in range(30):
        await desk.ask()
    assert (await desk.ask(peer="192.0.2.8")).status == 401


async def test_b080_an_audit_line_a_second_tells_how_many_attempts_it_stands_for(
    desk: Desk,
) -> None:
    bad = wrong(desk)
    for _ in range(30):
        await desk.ask(token=bad)
    desk.clock.now += 1
    await desk.ask(token=bad)
    assert [subject for _, _, subject in desk.audited] == ["ci", "30 attempts; last: ci"]


async def test_b080_the_end_of_a_burst_is_audited_too(desk: Desk) -> None:
    for _ in range(30):
        await desk.ask()
    await desk.auth.tell_folded()
    assert len(desk.audited) == 1
    desk.clock.now += 1
    await desk.auth.tell_folded()
    await desk.auth.tell_folded()
    assert desk.audited[1:] == [("token.missing", CLIENT, "29 attempts; last: ")]


async def test_a_line_that_cannot_be_audited_is_logged_and_the_answer_stays(desk: Desk) -> None:
    def full(*_line: str) -> None:
        raise BanyanError("the store is full")

    desk.auth.audit = full
    with capture_logs() as logs:
        answer = await desk.ask()
    assert answer.status == 401
    assert [(log["event"], log["action"]) for log in logs] == [("audit.lost", "token.missing")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "origin"),
    [
        (CLIENT, "198.51.100.1", CLIENT),
        (PROXY, "198.51.100.1", "198.51.100.1"),
        (PROXY, f"8.8.8.8, 198.51.100.1, {PROXY}", "198.51.100.1"),
        (PROXY, "8.8.8.8\n198.51.100.1", "198.51.100.1"),
        (PROXY, "2001:DB8:0::1", "2001:db8::1"),
        (PROXY, "unknown", PROXY),
        (PROXY, "<script>", PROXY),
        (PROXY, "\x1b[2J", PROXY),
        (PROXY, "", PROXY),
    ],
)
async def test_b080_the_origin_is_told_by_trusted_proxies_only(
    desk: Desk, peer: str, forwarded: str, origin: str
) -> None:
    token = desk.shelf.new("ci", Role.VIEWER)
    answer = await desk.ask(token=token, peer=peer, x_forwarded_for=forwarded)
    assert answer.json()["origin"] == origin


def test_a_peer_without_an_address_has_an_origin_too() -> None:
    assert client_address({"client": None, "headers": []}, ()) == "unknown"


async def test_a_caller_inside_the_process_needs_no_token(desk: Desk) -> None:
    caller = Caller("ann", Role.OPERATOR, "laptop", "cli")
    target = AsgiTarget(scoped(desk.app, **{CALLER: caller}))
    assert (await target.send(Request("GET", "/operator"))).json() == {"actor": "cli:ann"}
    assert (await target.send(Request("POST", "/admin?wanted=1"))).status == 403


@pytest.mark.parametrize("value", ["x", {"name": "ann", "role": "admin"}, None])
async def test_b080_only_a_caller_counts_as_one(desk: Desk, value: object) -> None:
    target = AsgiTarget(scoped(desk.app, **{CALLER: value}))
    assert (await target.send(Request("GET", "/viewer"))).status == 401


async def test_b080_no_header_makes_a_caller(desk: Desk) -> None:
    headers = {"banyan.caller": "ann", "x-banyan-caller": "ann", "x-forwarded-user": "ann"}
    answer = await AsgiTarget(desk.app).send(Request("GET", "/viewer?banyan.caller=1", headers))
    assert answer.status == 401


def test_a_door_says_in_openapi_that_it_takes_a_token(desk: Desk) -> None:
    document = desk.app.openapi()
    assert document["paths"]["/viewer"]["get"]["security"] == [{"HTTPBearer": []}]
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


async def test_a_door_may_be_closed_for_a_whole_router(desk: Desk) -> None:
    @desk.app.get("/closed", dependencies=[Depends(require(Role.ADMIN))])
    async def closed(caller: Annotated[Caller, Depends(require(Role.VIEWER))]) -> str:
        return caller.name

    assert (await desk.ask("/closed", desk.shelf.new("ci", Role.VIEWER))).status == 403
    assert (await desk.ask("/closed", desk.shelf.new("ann", Role.ADMIN))).json() == "ann"
