"""/api/monitoring"""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.wire import monitoring as wire
from shared_services.monitoring.reading import read_hours, read_level

blueprint = Blueprint("monitoring", __name__, url_prefix="/api/monitoring")


@blueprint.get("/nonce")
def get_nonce() -> ResponseReturnValue:
    return jsonify(wire.nonce(call(lambda services: services.monitoring.nonce())))


@blueprint.get("/cache")
def get_cache() -> ResponseReturnValue:
    return jsonify(wire.cache(call(lambda services: services.monitoring.cache())))


@blueprint.get("/performance")
def get_performance() -> ResponseReturnValue:
    return jsonify(wire.performance(call(lambda services: services.monitoring.performance())))


@blueprint.get("/alerts")
def list_alerts() -> ResponseReturnValue:
    level, hours = read_level(request.args.get("level")), read_hours(request.args.get("hours"))
    return jsonify(wire.alerts(call(lambda services: services.monitoring.alerts(level, hours))))
