"""Tokens: made once, shown once, revoked for ever."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Response

from gateway.control.auth import Admin
from gateway.control.context import Control, act_of
from gateway.control.models import MadeToken, NewToken, TokenOut
from gateway.control.problems import ApiProblem, responses
from gateway.control.tokens import StoredToken, make

router = APIRouter(prefix="/tokens", tags=["tokens"], responses=responses(401, 403, 503))


@router.get("", summary="Tokens")
async def listed(_caller: Admin, control: Control) -> list[TokenOut]:
    """Every token, revoked ones too; no secrets."""
    return [_shown(token) for token in await to_thread.run_sync(control.tokens.all)]


@router.post("", status_code=201, responses=responses(422), summary="Make a token")
async def create(body: NewToken, caller: Admin, control: Control, response: Response) -> MadeToken:
    """Makes a token. Its text is in this answer and nowhere else."""

    def made() -> tuple[str, StoredToken]:
        now = control.tokens.now()
        text, token = make(body.name, body.role, caller.actor, now, body.ttl)
        act = act_of(caller, "token.create", f"{token.name} ({token.role}, {token.id})")
        control.tokens.add(token, act)
        return text, token

    text, token = await to_thread.run_sync(made)
    response.headers["Location"] = f"/api/v1/tokens/{token.id}"
    return MadeToken(**_shown(token).model_dump(), token=text)


@router.delete(
    "/{token_id}", status_code=204, responses=responses(404, 422), summary="Revoke a token"
)
async def revoke(
    token_id: Annotated[str, Path(max_length=64, examples=["abcdefgh"])],
    caller: Admin,
    control: Control,
) -> None:
    """From now on the token opens nothing."""
    act = act_of(caller, "token.revoke", token_id)
    # PostgreSQL has no text with a NUL, and fails where it should not find
    possible = token_id.isalnum()
    if not (possible and await to_thread.run_sync(control.tokens.revoke, token_id, act)):
        detail = "there is no such token, or it is revoked already; `banyan token list` shows them"
        raise ApiProblem(404, "no_such_token", detail)


def _shown(token: StoredToken) -> TokenOut:
    return TokenOut(
        id=token.id,
        name=token.name,
        role=token.role,
        created=token.created,
        created_by=token.created_by,
        expires=token.expires,
        revoked=token.revoked,
    )
