"""/api/risk"""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.body import json_object
from legacy_flask.wire import risk as wire
from shared_services.risk.reading import ASKED, read_order, read_score

blueprint = Blueprint("risk", __name__, url_prefix="/api/risk")


@blueprint.get("/assessment")
def get_assessment() -> ResponseReturnValue:
    return jsonify(wire.account(call(lambda services: services.risk.assess())))


@blueprint.post("/validate/order")
def validate_order() -> ResponseReturnValue:
    """200 for both outcomes."""
    order, odds = read_order(json_object())
    return jsonify(wire.validation(call(lambda services: services.risk.validate(order, odds))))


@blueprint.get("/score")
def get_score() -> ResponseReturnValue:
    symbol, odds = read_score({name: request.args.get(name) for name in ASKED})
    return jsonify(wire.score(call(lambda services: services.risk.score(symbol, odds))))
