"""/api/live-portfolio"""

from functools import partial

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.body import json_object
from legacy_flask.errors import service_error
from legacy_flask.wire import live as wire
from shared_services.errors import ServiceError
from shared_services.live.reading import MISSING_BODY, read_position, read_symbols, read_trade

blueprint = Blueprint("live", __name__, url_prefix="/api/live-portfolio")

# Of this family alone also the errors say a status.
blueprint.register_error_handler(ServiceError, partial(service_error, status="error"))


@blueprint.get("/snapshot")
def get_snapshot() -> ResponseReturnValue:
    symbols = read_symbols(request.args.get("symbols"))
    return jsonify(wire.snapshot(call(lambda services: services.live.snapshot(symbols))))


@blueprint.get("/position-value")
def get_position_value() -> ResponseReturnValue:
    symbol, amount = read_position(request.args.get("symbol"), request.args.get("amount"))
    value = call(lambda services: services.live.position_value(symbol, amount))
    return jsonify(wire.position_value(value))


@blueprint.post("/validate-trade")
def validate_trade() -> ResponseReturnValue:
    """200 for both outcomes."""
    trade = read_trade(json_object(MISSING_BODY))
    return jsonify(wire.verdict(call(lambda services: services.live.validate_trade(trade))))


@blueprint.get("/performance")
def get_performance() -> ResponseReturnValue:
    """A `timeframe` is accepted and has no effect, as always."""
    return jsonify(wire.performance(call(lambda services: services.live.performance())))


@blueprint.get("/market-overview")
def get_market_overview() -> ResponseReturnValue:
    symbols = read_symbols(request.args.get("symbols"))
    return jsonify(wire.overview(call(lambda services: services.live.market_overview(symbols))))
