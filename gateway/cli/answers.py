"""What a control plane answers, for the person who asked: a refusal names the next step."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx

from gateway.errors import BanyanError

SERVER: Final = "BANYAN_SERVER"
TOKEN: Final = "BANYAN_TOKEN"  # noqa: S105 (a variable's name)

_WHO: Final = f"is {SERVER} or --server right, and does `banyan control` run there?"
_GATEWAY: Final = (
    "clients are answered there; the control plane has a port of its own, 8001 by default"
)
_NEXT: Final = {  # what to do at a shell, by the code of a problem
    "no_such_version": "`banyan history` lists those that are kept",
    "nothing_to_roll_back": "`banyan history` lists what there is",
    "version_conflict": "`banyan diff` shows the newest change",
    "too_many_failures": f"set {TOKEN} to one",
}
_TAKES: Final = {  # of values that pydantic describes for programs
    "reason": "give one line of 1 to 500 characters",
    "name": "give 1 to 64 of: letters, digits, `.`, `_`, `@`, `-`",
    "method": "give one word, as in GET",
}


class Refused(BanyanError):
    """The control plane refuses; the message is its own."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        if problem.get("code") == "unusable_store":
            self.exit_code = 2  # as a wrong setting
        super().__init__(_said(status, problem))


class NoControlPlane(BanyanError):
    """Nobody answers where the control plane should be, or somebody else."""


class OtherVersion(BanyanError):
    """A control plane of another version gives an answer that this one cannot read."""

    def __init__(self, where: str, missed: str) -> None:
        super().__init__(
            f"{where} gives an answer that this version of banyan cannot read ({missed}): "
            "use the version that runs there"
        )


def read(answer: httpx.Response, where: str) -> Any:
    """The JSON of an answer. Raises Refused and NoControlPlane."""
    try:
        told = answer.json() if answer.content else None
    except ValueError:
        raise _somebody_else(answer, where) from None
    if answer.is_success:
        return told
    if not isinstance(told, dict) or "code" not in told:
        raise _somebody_else(answer, where)
    if told["code"] == "token_required":
        told = {**told, "detail": _no_token(where)}
    raise Refused(answer.status_code, told)


def nobody(error: Exception, where: str) -> NoControlPlane:
    """Of a request that got no answer."""
    hint = _WHO
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        hint = "SSL_CERT_FILE names the file with the authority that signed its certificate"
    elif isinstance(error, httpx.RemoteProtocolError) and where.startswith("http://"):
        hint = f"does it want https://? {_WHO.capitalize()}"
    return NoControlPlane(f"no control plane at {where} ({error or 'no answer'}); {hint}")


def _somebody_else(answer: httpx.Response, where: str) -> NoControlPlane:
    kind = answer.headers.get("content-type", "no content").partition(";")[0]
    moved = f" to {answer.headers['location']}" if "location" in answer.headers else ""
    hint = _GATEWAY if "x-served-by" in answer.headers else _WHO
    said = f"status {answer.status_code}{moved}, {kind}"
    return NoControlPlane(f"no control plane at {where} ({said}); {hint}")


def _no_token(where: str) -> str:
    return (
        f"{where} does not take the token in {TOKEN}; "
        "on its machine, `banyan token create NAME` makes one"
    )


def _said(status: int, problem: Mapping[str, Any]) -> str:
    """The detail and the next step; where single values or lines are wrong, those."""
    code, faults = problem.get("code"), problem.get("problems") or []
    if code == "invalid_request" and faults:
        return "; ".join(map(_value, faults))
    if code == "plan_refused" and len(faults) > 1:
        return "\n  ".join(["the plan is refused:", *map(line, faults)])
    if code == "plan_refused" and faults:
        return line(faults[0])
    return "; ".join(_parts(status, problem))


def line(fault: Mapping[str, Any]) -> str:
    """A fault of a plan: `line 12: routes[1].modern: …`."""
    where = f"line {fault['line']}: " if fault["line"] else ""
    return f"{where}{fault['place'] + ': ' if fault['place'] else ''}{fault['message']}"


def _value(fault: Mapping[str, Any]) -> str:
    place = str(fault["place"])
    name = place.partition(".")[2] or place  # without `body` or `query`
    return f"{name}: {_TAKES.get(name, fault['message'])}"


def _parts(status: int, problem: Mapping[str, Any]) -> Iterator[str]:
    yield str(problem.get("detail") or f"status {status}")
    code = str(problem.get("code"))
    if code in _NEXT:
        yield _NEXT[code]
    if code == "role_required" and "needed" in problem:
        yield f"an admin makes one: `banyan token create NAME --role {problem['needed']}`"
