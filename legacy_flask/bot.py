"""/api/bot-status and /api/bot"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from legacy_flask.blocking import call
from legacy_flask.wire import bot as wire

blueprint = Blueprint("bot", __name__, url_prefix="/api")


@blueprint.get("/bot-status")
def get_status() -> ResponseReturnValue:
    return jsonify(wire.status(call(lambda services: services.bot.status())))


@blueprint.post("/bot/start")
def start_bot() -> ResponseReturnValue:
    return jsonify(wire.reply(call(lambda services: services.bot.start())))


@blueprint.post("/bot/stop")
def stop_bot() -> ResponseReturnValue:
    """200 for both outcomes, as always."""
    return jsonify(wire.reply(call(lambda services: services.bot.stop())))
