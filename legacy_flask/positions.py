"""GET /api/positions"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask import wire
from legacy_flask.blocking import call

blueprint = Blueprint("positions", __name__, url_prefix="/api/positions")


@blueprint.get("")
def list_positions() -> ResponseReturnValue:
    positions = call(lambda services: services.positions.list())
    return jsonify([wire.position(position) for position in positions])
