"""GET /api/positions"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.wire import account as wire

blueprint = Blueprint("positions", __name__, url_prefix="/api/positions")


@blueprint.get("")
def list_positions() -> ResponseReturnValue:
    positions = call(lambda services: services.positions.list())
    return jsonify([wire.position(position) for position in positions])
