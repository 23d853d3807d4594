"""GET /api/trading-limitations"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.wire import account as wire

blueprint = Blueprint("limitations", __name__, url_prefix="/api/trading-limitations")


@blueprint.get("")
def get_limitations() -> ResponseReturnValue:
    limitations = call(lambda services: services.exchange.limitations())
    return jsonify(wire.limitations(limitations))
