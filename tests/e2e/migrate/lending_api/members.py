"""Who is logged in: the session's member, whichever app wrote the session."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request

router = APIRouter()


def logged_in(request: Request) -> str:
    if request.state.member is None:
        raise HTTPException(401, "Log in first.")
    return str(request.state.member)


Member = Annotated[str, Depends(logged_in)]


@router.get("/me", name="me")
def me(member: Member) -> dict[str, str]:
    return {"member": member}
