"""Tokens: shown once, kept as a digest, worthless from the moment they are revoked."""

import time
from typing import Any

import pytest

from gateway.control.tokens import Role
from tests.control.api import PLAN, WHY, Api, api

__all__ = ["api"]


async def made(api: Api, role: Role = Role.VIEWER, **fields: object) -> Any:
    return await api.told("POST", "/tokens", {"name": "ci", "role": role, **fields})


async def status(api: Api, token: str, method: str = "GET", path: str = "/plan") -> int:
    """Of a request with a token and nothing else."""
    answer = await api.ask(method, path, role=None, authorization=f"Bearer {token}")
    return answer.status


async def test_a_new_token_opens_what_its_role_may(api: Api) -> None:
    answer = await api.ask("POST", "/tokens", {"name": "ci", "role": "operator"})
    told = answer.json()
    assert answer.status == 201
    assert answer.header("location") == f"/api/v1/tokens/{told['id']}"
    assert answer.header("cache-control") == "no-store"
    assert (told["name"], told["role"], told["created_by"]) == ("ci", "operator", "api:ann")
    assert await status(api, told["token"]) == 200
    assert await status(api, told["token"], "GET", "/tokens") == 403


async def test_what_a_token_does_stands_under_its_name(api: Api) -> None:
    token = (await made(api, Role.OPERATOR))["token"]
    headers = {"authorization": f"Bearer {token}", "if_match": '"1"'}
    answer = await api.ask("PATCH", "/plan/routes", api.shift(40), role=None, **headers)
    assert (answer.status, answer.json()["actor"]) == (200, "api:ci")
    line = api.store.audit.lines(1)[0]
    assert (line.actor, line.origin, line.reason) == ("api:ci", "127.0.0.1", WHY)


async def test_b080_a_revoked_token_opens_nothing_from_the_next_request_on(api: Api) -> None:
    told = await made(api)
    assert await status(api, told["token"]) == 200
    assert (await api.ask("DELETE", f"/tokens/{told['id']}")).status == 204
    assert await status(api, told["token"]) == 401
    lines = {line.action: line for line in api.store.audit.lines(3)}
    assert lines["token.revoke"].actor == "api:ann"
    assert lines["token.revoke"].subject == told["id"]
    assert lines["token.revoked"].subject == "ci"


async def test_b080_an_expired_token_opens_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await made(api, ttl=60)
    assert told["expires"] == pytest.approx(told["created"] + 60)
    assert await status(api, told["token"]) == 200
    monkeypatch.setattr(api.app.state.auth, "now", lambda: time.time() + 61)
    assert await status(api, told["token"]) == 401


async def test_a_token_is_revoked_once_and_only_if_it_is_there(api: Api) -> None:
    told = await made(api)
    await api.told("DELETE", f"/tokens/{told['id']}")
    lines = len(api.store.audit.lines(99))
    for token_id in (told["id"], "abcdefgh", "%00", "a%2Fb", "'--", "x" * 64):
        answer = await api.refused("DELETE", f"/tokens/{token_id}")
        assert answer in {(404, "no_such_token"), (404, "not_found")}
    assert await api.refused("DELETE", f"/tokens/{'x' * 65}") == (422, "invalid_request")
    assert len(api.store.audit.lines(99)) == lines


async def test_b086_no_list_and_no_audit_line_holds_a_secret(api: Api) -> None:
    told = await made(api)
    secret = told["token"][-32:]
    assert len(told["token"]) == len("banyan_") + 8 + 1 + 32
    for path in ("/tokens", "/audit", "/plan", "/versions", "/workers", "/routes"):
        assert secret not in (await api.ask("GET", path)).body.decode()
    (listed,) = await api.told("GET", "/tokens")
    assert listed.keys() == told.keys() - {"token"}
    assert "digest" not in listed


async def test_b086_no_file_of_the_store_holds_a_secret(api: Api) -> None:
    secrets = [(await made(api))["token"][-32:] for _ in range(3)]
    files = [path for path in api.settings.var.iterdir() if path.is_file()]
    found = b"".join(path.read_bytes() for path in files)
    assert PLAN.encode() in found  # these are the files, and they hold what was stored last
    assert b"token.create" in found
    assert not any(secret.encode() in found for secret in secrets)


async def test_b086_a_token_in_a_url_is_refused_even_if_it_is_right(api: Api) -> None:
    token = (await made(api))["token"]
    for query in (f"token={token}", f"access_token={token}", f"x={token}", "TOKEN=1"):
        answer = await api.ask("GET", f"/plan?{query}", role=None, authorization=f"Bearer {token}")
        assert (answer.status, answer.json()["code"]) == (400, "token_in_query")
        assert token not in answer.body.decode()


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "a" * 65},
        {"name": "a b"},
        {"name": "a\r\nX-Evil: 1"},
        {"name": "ann\n"},
        {"name": "<script>"},
        {"name": "\ud800"},
        {"name": None},
        {"role": "root"},
        {"role": "Admin"},
        {"role": None},
        {"ttl": 0},
        {"ttl": -1},
        {"ttl": float("nan")},
        {"ttl": float("inf")},
        {"ttl": 1e12},
        {"ttl": "60"},
        {"ttl": True},
        {"digest": "x"},
        {"id": "abcdefgh"},
    ],
    ids=str,
)
async def test_b082_a_token_is_not_made_of_wrong_values(
    api: Api, fields: dict[str, object]
) -> None:
    body = {"name": "ci", "role": "viewer", **fields}
    assert await api.refused("POST", "/tokens", body) == (422, "invalid_request")
    assert await api.told("GET", "/tokens") == []


async def test_b086_a_wrong_value_is_not_told_back(api: Api) -> None:
    answer = await api.ask("POST", "/tokens", {"name": "hunter2 secret", "role": "viewer"})
    assert "hunter2" not in answer.body.decode()
