"""The optional API token."""

from flask import Flask, abort, request

from shared_services.access import is_authorized
from shared_services.settings import TradingSettings

OPEN_ENDPOINTS = frozenset({"health.get_health"})


def init_app(app: Flask, settings: TradingSettings) -> None:
    """Ask for the token on every route that exists; unknown paths and methods stay 404 and 405."""

    @app.before_request
    def require_token() -> None:
        unmatched = request.routing_exception is not None
        if unmatched or request.method == "OPTIONS" or request.endpoint in OPEN_ENDPOINTS:
            return
        headers = request.headers
        if not is_authorized(
            settings,
            authorization=headers.get("Authorization", ""),
            api_key=headers.get("X-API-Key", ""),
        ):
            abort(401)
