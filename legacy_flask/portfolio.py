"""/api/portfolio"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.body import json_object
from legacy_flask.wire import portfolio as wire
from shared_services.portfolio.reading import read_profile, read_signals, read_targets

blueprint = Blueprint("portfolio", __name__, url_prefix="/api/portfolio")


@blueprint.get("/status")
def get_status() -> ResponseReturnValue:
    return jsonify(wire.status(call(lambda services: services.portfolio.status())))


@blueprint.post("/process-signals")
def process_signals() -> ResponseReturnValue:
    signals = read_signals(json_object())
    proposals = call(lambda services: services.portfolio.process_signals(signals))
    return jsonify(wire.proposals(proposals))


@blueprint.post("/allocate")
def allocate() -> ResponseReturnValue:
    body = json_object()
    signals, profile = read_signals(body), read_profile(body)
    allocations = call(lambda services: services.portfolio.allocate(signals, profile))
    return jsonify(wire.allocations(allocations))


@blueprint.post("/rebalance")
def rebalance() -> ResponseReturnValue:
    targets = read_targets(json_object())
    return jsonify(wire.plan(call(lambda services: services.portfolio.rebalance(targets))))
