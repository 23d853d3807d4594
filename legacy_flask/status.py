"""GET /api/status"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from shared_services.wire import number

blueprint = Blueprint("status", __name__, url_prefix="/api/status")


@blueprint.get("")
def get_status() -> ResponseReturnValue:
    """The API runs; balances are absent if they cannot be read."""
    totals = call(lambda services: services.balances.totals())
    if totals is None:
        return jsonify(status="running")
    balance = {currency: number(total) for currency, total in totals.items()}
    return jsonify(status="running", balance=balance)
