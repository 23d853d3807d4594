"""/api/strategy"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.body import json_object
from legacy_flask.wire import strategy as wire
from shared_services.backtest.reading import NO_DATA, NO_STRATEGY
from shared_services.risk.reading import read_positions

blueprint = Blueprint("strategy", __name__, url_prefix="/api/strategy")


@blueprint.post("/analyze")
def analyze() -> ResponseReturnValue:
    body = json_object(NO_DATA)
    return jsonify(wire.analysis(call(lambda services: services.backtest.analyze(body))))


@blueprint.get("/available")
def list_available() -> ResponseReturnValue:
    return jsonify(wire.available())


@blueprint.post("/backtest")
def simulate() -> ResponseReturnValue:
    body = json_object(NO_STRATEGY)
    return jsonify(wire.simulation(call(lambda services: services.backtest.simulate(body))))


@blueprint.post("/portfolio-risk")
def assess_positions() -> ResponseReturnValue:
    """An empty object is valid and means no positions."""
    positions = read_positions(json_object(may_be_empty=True))
    assessed = call(lambda services: services.risk.assess_positions(positions))
    return jsonify(wire.assessment(assessed))
