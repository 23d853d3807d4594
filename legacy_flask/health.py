"""GET /api/health"""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

blueprint = Blueprint("health", __name__, url_prefix="/api/health")


@blueprint.get("")
def get_health() -> ResponseReturnValue:
    """The process answers; nothing else is checked."""
    return jsonify(status="ok")
