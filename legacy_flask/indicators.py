"""/api/indicators"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.body import json_object
from legacy_flask.wire import strategy as wire
from shared_services.backtest.reading import MISSING_DATA

blueprint = Blueprint("indicators", __name__, url_prefix="/api/indicators")


@blueprint.post("/fvg")
def find_fair_value_gaps() -> ResponseReturnValue:
    body = json_object(MISSING_DATA)
    zones = call(lambda services: services.backtest.zones(body))
    return jsonify([wire.zone(one) for one in zones])
