"""GET /api/balances"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.wire import account as wire

blueprint = Blueprint("balances", __name__, url_prefix="/api/balances")


@blueprint.get("")
def list_balances() -> ResponseReturnValue:
    balances = call(lambda services: services.balances.list())
    return jsonify([wire.balance(balance) for balance in balances])
