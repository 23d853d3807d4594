"""Errors of the admin API as problem documents (RFC 9457): one shape, a stable `code` in each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.client import responses as phrases
from traceback import format_exc
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from gateway.control.tokens import TokenRefused
from gateway.errors import BanyanError
from gateway.messages import App, Message, Receive, Scope, Send
from gateway.plan.document import PlanRefused
from gateway.plan.edit import NoSuchRule
from gateway.store.errors import NoSuchVersion, StoreUnavailable, VersionConflict

MEDIA_TYPE: Final = "application/problem+json"
_SHOWN: Final = 20  # faults of one request that are told; a body can have 100 000
_PLACE: Final = 200  # characters: a place repeats the client's own field names
_OF_A_PLAN: Final = 100  # faults of one plan that are told; a text can have 100 000
_MESSAGE: Final = 500  # characters: a message repeats the wrong value
_REF: Final = "#/components/schemas/{model}"
# Starlette's own errors. Codes are not made from reason phrases: those change with Python (413, 422).
_OF_STATUS: Final = {
    400: ("malformed_request", "the request cannot be read"),
    404: ("not_found", "nothing is served here; `/openapi.json` lists what is"),
    405: ("method_not_allowed", "not this method here; `Allow` lists those that are"),
    413: ("body_too_large", "the body is too large"),
}
_OF_KIND: Final[Mapping[type[BanyanError], int]] = {
    BanyanError: 409,
    NoSuchRule: 404,
    NoSuchVersion: 404,
    PlanRefused: 422,
    StoreUnavailable: 503,
    TokenRefused: 422,
}
_log = structlog.get_logger()


class Fault(BaseModel):
    """One thing that is wrong in what was sent; `line` counts from 1, 0 where there are no lines."""

    line: int = 0
    place: str
    message: str


class Problem(BaseModel):
    """What went wrong: `code` is for programs and never changes, `detail` is for people."""

    model_config = ConfigDict(extra="allow")  # extension members (RFC 9457 §3.2)

    type: str
    title: str
    status: int
    detail: str
    code: str
    problems: list[Fault] | None = None
    version: int | None = None  # of the plan in force
    nearest: str | None = None  # what may have been meant


class ApiProblem(Exception):
    """Raised by an endpoint to answer with a problem document; `extensions` are members of it."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = headers
        self.extensions = extensions

    def response(self) -> Response:
        """The answer itself, for code that stands in front of the app."""
        problem = Problem.model_validate(
            {
                "type": f"/problems/{self.code}",
                "title": self.code.replace("_", " ").capitalize(),
                "status": self.status,
                "detail": str(self),
                "code": self.code,
                **self.extensions,
            }
        )
        body = problem.model_dump_json(exclude_none=True)
        return Response(body, self.status, self.headers, MEDIA_TYPE)


def install(app: FastAPI, statuses: Mapping[type[BanyanError], int] | None = None) -> None:
    """Makes every error of `app` a problem document, and its OpenAPI say so.

    `statuses` adds kinds of BanyanError; a subclass finds its nearest base, and others are 409.
    Middleware that should see these answers, such as the shield, is added to `app` after this.
    """
    table = {**_OF_KIND, **(statuses or {})}
    app.router.redirect_slashes = False  # a redirect is neither an answer nor a problem
    app.add_exception_handler(ApiProblem, _handler(lambda error: error))
    app.add_exception_handler(HTTPException, _handler(_of_http))
    app.add_exception_handler(RequestValidationError, _handler(_of_validation))
    app.add_exception_handler(BanyanError, _handler(lambda error: _of_banyan(error, table)))
    app.add_middleware(_Unexpected)
    _document(app)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: these statuses and every other one that is not documented are problems.

    `default` also keeps FastAPI from documenting a 422 of its own, which is never sent.
    """
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=Problem.__name__)}}}
    keys: tuple[int | str, ...] = (*statuses, "default")
    return {key: {"description": "A problem document.", "content": content} for key in keys}


class _Unexpected:
    """The last resort. Not an exception handler: Starlette raises those errors again, to be logged twice."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if started or scope["type"] != "http":
                raise
            route = getattr(scope.get("route"), "path", None)
            # As text: unless it is told otherwise, structlog prints local variables too, and among
            # them the scope's headers with the token.
            trace = format_exc()
            _log.error("request.failed", method=scope["method"], route=route, exception=trace)
            detail = "an error of the control plane; its log says more"
            await ApiProblem(500, "internal", detail).response()(scope, receive, send)


def _handler(problem: Callable[[Any], ApiProblem]) -> Callable[[Request, Exception], Any]:
    async def handle(_request: Request, error: Exception) -> Response:
        return problem(error).response()

    return handle


def _of_http(error: HTTPException) -> ApiProblem:
    status = error.status_code
    code, detail = _OF_STATUS.get(status, (f"http_{status}", error.detail))
    if error.detail != phrases.get(status):  # somebody said more than Starlette does
        detail = error.detail
    return ApiProblem(status, code, str(detail), headers=error.headers)


def _of_validation(error: RequestValidationError) -> ApiProblem:
    """Never the input: it may hold a secret."""
    errors = error.errors()
    faults = [
        Fault(place=".".join(map(str, one["loc"]))[:_PLACE], message=_message(one))
        for one in errors[:_SHOWN]
    ]
    more = f"; the first {_SHOWN} are told" if len(errors) > _SHOWN else ""
    detail = f"{len(errors)} of the values sent are wrong{more}"
    return ApiProblem(422, "invalid_request", detail, problems=faults)


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "union_tag_invalid":  # pydantic 2.12: the only message with a whole input
        return f"expected one of {error['ctx']['expected_tags']}"
    return str(error["msg"]).removeprefix("Value error, ")


def _of_banyan(error: BanyanError, statuses: Mapping[type[BanyanError], int]) -> ApiProblem:
    status = next(statuses[kind] for kind in type(error).__mro__ if kind in statuses)
    code = _snake(type(error).__name__)
    if isinstance(error, PlanRefused):
        return _of_refusal(error, status, code)
    version = error.current if isinstance(error, VersionConflict) else None
    return ApiProblem(status, code, str(error), version=version)


def _of_refusal(refusal: PlanRefused, status: int, code: str) -> ApiProblem:
    problems = [
        replace(one, place=_cut(one.place, _PLACE), message=_cut(one.message, _MESSAGE))
        for one in refusal.problems[:_OF_A_PLAN]
    ]
    more = len(refusal.problems) - len(problems)
    detail = "; ".join([*map(str, problems), *([f"and {more} more"] if more else [])])
    faults = [Fault(line=one.line, place=one.place, message=one.message) for one in problems]
    return ApiProblem(status, code, detail, problems=faults)


def _cut(text: str, most: int) -> str:
    """Its ends: what is wrong stands at one, the nearest right value at the other. YAML can spell what
    UTF-8 cannot: half of a surrogate pair.
    """
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _document(app: FastAPI) -> None:
    """Adds the schemas that `responses` refers to: given as `model`, they would be plain JSON too."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        schemas = models_json_schema([(Problem, "validation")], ref_template=_REF)[1]["$defs"]
        document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual has it
