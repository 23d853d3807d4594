"""/api/config"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.body import json_object
from legacy_flask.wire import config as wire

blueprint = Blueprint("config", __name__, url_prefix="/api/config")


@blueprint.get("")
@blueprint.get("/summary", endpoint="get_summary")
def get_config() -> ResponseReturnValue:
    return jsonify(wire.summary(call(lambda services: services.config.summary())))


@blueprint.post("")
def update_config() -> ResponseReturnValue:
    body = json_object()
    return jsonify(wire.updated(call(lambda services: services.config.update(body))))


@blueprint.get("/strategies")
def list_strategies() -> ResponseReturnValue:
    return jsonify(wire.strategies(call(lambda services: services.config.strategies())))


@blueprint.get("/strategy/<name>")
def get_strategy(name: str) -> ResponseReturnValue:
    """An unknown name is answered with the general section."""
    parameters = call(lambda services: services.config.strategy(name))
    return jsonify(wire.strategy(name, parameters))


@blueprint.put("/strategy/<name>/weight")
def set_weight(name: str) -> ResponseReturnValue:
    body = json_object("Weight value is required")
    return jsonify(wire.new_weight(call(lambda services: services.config.set_weight(name, body))))


@blueprint.get("/probability")
def get_probability() -> ResponseReturnValue:
    return jsonify(wire.probability(call(lambda services: services.config.probability())))


@blueprint.put("/probability")
def update_probability() -> ResponseReturnValue:
    body = json_object("No data provided")
    updated = call(lambda services: services.config.update_probability(body))
    return jsonify(wire.updated_probability(updated))


@blueprint.get("/validate")
def validate_config() -> ResponseReturnValue:
    return jsonify(wire.validation(call(lambda services: services.config.problems())))


@blueprint.post("/reload")
def reload_config() -> ResponseReturnValue:
    return jsonify(wire.reloaded(call(lambda services: services.config.reload())))
