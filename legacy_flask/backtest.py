"""/api/backtest and /api/v1/backtest"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.body import json_object
from legacy_flask.wire import backtest as wire
from shared_services.backtest.reading import MISSING_FIELDS

blueprint = Blueprint("backtest", __name__, url_prefix="/api")


@blueprint.post("/backtest/run")
def run() -> ResponseReturnValue:
    body = json_object(MISSING_FIELDS)
    return jsonify(wire.backtest(call(lambda services: services.backtest.run(body))))


@blueprint.post("/backtest/optimize")
def optimize() -> ResponseReturnValue:
    body = json_object(MISSING_FIELDS)
    return jsonify(wire.best(call(lambda services: services.backtest.optimize(body))))


@blueprint.post("/v1/backtest/analysis")
def analysis() -> ResponseReturnValue:
    """An echo."""
    body = json_object(MISSING_FIELDS)
    return jsonify(wire.echo(call(lambda services: services.backtest.analysis(body))))


@blueprint.get("/backtest/strategies")
def list_strategies() -> ResponseReturnValue:
    return jsonify(wire.strategies())


@blueprint.get("/backtest/results/<name>")
def get_result(name: str) -> ResponseReturnValue:
    return jsonify(wire.stored(call(lambda services: services.backtest.result(name))))
