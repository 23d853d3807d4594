"""Who may do what: every operation of the admin API, asked by everybody."""

from typing import Any

import pytest

from gateway.control.tokens import Role
from tests.control.api import PLAN, REASON, Api, api

__all__ = ["api"]

V, O, A = Role.VIEWER, Role.OPERATOR, Role.ADMIN  # noqa: E741 (columns of a table)
WHO = {"route": "GET /who", **REASON}
SHIFT = {"route": "GET /who", "modern": 30, **REASON}
# Least role, method, path as OpenAPI has it, path as asked, body, status of a success
OPERATIONS: list[tuple[Role, str, str, str, Any, int]] = [
    (V, "GET", "/plan", "", None, 200),
    (V, "POST", "/plan/check", "", {"document": PLAN}, 200),
    (V, "GET", "/versions", "", None, 200),
    (V, "GET", "/versions/{version}", "/versions/1", None, 200),
    (V, "GET", "/versions/{version}/diff", "/versions/1/diff", None, 200),
    (V, "GET", "/routes", "", None, 200),
    (V, "POST", "/explain", "", {"method": "GET", "path": "/who"}, 200),
    (V, "GET", "/whatif", "/whatif?route=GET%20/who&modern=30", None, 200),
    (V, "GET", "/workers", "", None, 200),
    (V, "GET", "/evidence", "/evidence?route=GET%20/who", None, 200),
    (V, "GET", "/evidence/all", "", None, 200),
    (V, "GET", "/ramps", "", None, 200),
    (V, "GET", "/audit", "", None, 200),
    (V, "GET", "/events", "", None, 400),  # with a wrong Last-Event-ID: it would not end
    (O, "PUT", "/plan", "", {"document": PLAN, **REASON}, 200),
    (O, "PATCH", "/plan/routes", "", SHIFT, 200),
    (O, "DELETE", "/plan/routes", "/plan/routes?route=GET%20/who&reason=x", None, 200),
    (O, "PUT", "/plan/phase", "", {"phase": "parallel", **REASON}, 200),
    (O, "PUT", "/plan/kill-switch", "", {"on": True, **REASON}, 200),
    (O, "POST", "/plan/rollback", "", {"version": 1, **REASON}, 200),
    (O, "POST", "/evidence/ack", "", WHO, 409),
    (O, "POST", "/ramps", "", {"steps": [50, 100], **WHO}, 200),
    (O, "POST", "/ramps/pause", "", WHO, 409),
    (O, "POST", "/ramps/resume", "", WHO, 409),
    (O, "POST", "/ramps/approve", "", WHO, 409),
    (O, "POST", "/ramps/advance", "", WHO, 409),
    (O, "POST", "/ramps/abort", "", WHO, 409),
    (A, "GET", "/tokens", "", None, 200),
    (A, "POST", "/tokens", "", {"name": "ci", "role": "viewer"}, 201),
    (A, "DELETE", "/tokens/{token_id}", "/tokens/abcdefgh", None, 404),
]
NAMES = [f"{method} {path}" for _, method, path, *_ in OPERATIONS]
HEADERS = {"if_match": '"1"', "last_event_id": "x"}
EVERY = pytest.mark.parametrize(
    ("least", "method", "path", "asked", "body", "status"), OPERATIONS, ids=NAMES
)


def test_the_table_has_every_operation(api: Api) -> None:
    found = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in api.app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/api/")
    }
    assert found == set(NAMES)


@EVERY
async def test_b080_a_role_opens_what_it_should_and_nothing_else(
    api: Api, least: Role, method: str, path: str, asked: str, body: object, status: int
) -> None:
    for role in sorted(role for role in Role if role < least):
        answer = await api.ask(method, asked or path, body, role=role, **HEADERS)
        problem = answer.json()
        assert (answer.status, problem["code"]) == (403, "role_required")
        assert (problem["needed"], problem["role"]) == (least, role)
        assert api.store.versions.newest() == 1
    answer = await api.ask(method, asked or path, body, role=least, **HEADERS)
    assert answer.status == status, answer
    for role in (role for role in Role if role > least):
        answer = await api.ask(method, asked or path, body, role=role, **HEADERS)
        assert answer.status not in {401, 403}, answer


@EVERY
async def test_b080_without_a_token_nothing_opens_and_no_body_is_looked_at(
    api: Api, least: Role, method: str, path: str, asked: str, body: object, status: int
) -> None:
    for sent in (body, {"reason": 7}):
        answer = await api.ask(method, asked or path, sent, role=None, **HEADERS)
        assert (answer.status, answer.json()["code"]) == (401, "token_required")
        assert answer.header("www-authenticate") == "Bearer"
    assert api.store.versions.newest() == 1


async def test_b080_a_refused_role_stands_in_the_audit(api: Api) -> None:
    await api.refused("PATCH", "/plan/routes", SHIFT, role=V)
    line = api.store.audit.lines(1)[0]
    assert (line.actor, line.origin) == ("anonymous", "127.0.0.1")
    assert (line.action, line.subject) == ("role.refused", "ann is viewer, not operator")
