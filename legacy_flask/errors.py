"""Errors as JSON. Only what Flask itself decides about paths and methods stays HTML."""

import logging

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from legacy_flask.blocking import call
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


def init_app(app: Flask) -> None:
    """Answer service errors and refusals with the flat envelope."""
    app.register_error_handler(ServiceError, service_error)
    for status in REFUSALS:
        app.register_error_handler(status, _refusal)


def service_error(error: ServiceError, **more: str) -> ResponseReturnValue:
    """The envelope, with what a family adds to it; the operator hears of a failed exchange."""
    if isinstance(error, Unavailable):
        _log.warning("service.unavailable code=%s reason=%s", error.code, error)
    if isinstance(error, ExchangeFailed):
        call(lambda services: services.monitoring.heard(error))
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    headers = {"Idempotency-Replayed": "true"} if error.replayed else {}
    return jsonify(error.envelope() | more), status, headers


def _refusal(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    headers = {"WWW-Authenticate": CHALLENGE} if status == 401 else {}
    return jsonify(error=REFUSALS[status]), status, headers
