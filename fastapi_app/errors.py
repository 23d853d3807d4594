"""Errors as JSON. What is decided about paths and methods is the kit's, and HTML."""

import logging

from fastapi import FastAPI, HTTPException, Request

from gateway.kit.compat import FlaskJSONResponse
from shared_services.access import CHALLENGE
from shared_services.errors import (
    Conflict,
    ExchangeFailed,
    Invalid,
    NotFound,
    ServiceError,
    Unavailable,
)

_log = logging.getLogger(__name__)

STATUSES = {NotFound: 404, Conflict: 409, Invalid: 400, Unavailable: 503}

REFUSALS = {
    401: "Unauthorized",
    413: "Request body too large",
    415: "Content-Type must be application/json",
    500: "Internal server error",
}


def init_app(app: FastAPI) -> None:
    """Answer service errors and refusals with the flat envelope."""
    app.exception_handler(ServiceError)(service_error)
    for status in REFUSALS:
        app.exception_handler(status)(_refusal)


async def service_error(request: Request, error: ServiceError, **more: str) -> FlaskJSONResponse:
    """The envelope, with what a family adds to it; the operator hears of a failed exchange."""
    if isinstance(error, Unavailable):
        _log.warning("service.unavailable code=%s reason=%s", error.code, error)
    if isinstance(error, ExchangeFailed):
        await request.state.services.monitoring.heard(error)
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    headers = {"Idempotency-Replayed": "true"} if error.replayed else None
    return FlaskJSONResponse(error.envelope() | more, status, headers)


async def _refusal(_request: Request, error: Exception) -> FlaskJSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {"WWW-Authenticate": CHALLENGE} if status == 401 else None
    return FlaskJSONResponse({"error": REFUSALS[status]}, status, headers)
