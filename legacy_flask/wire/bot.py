"""The bot: its state, and what became of a start or a stop."""

from legacy_flask.wire import Json
from shared_services.bot.model import BotReply, BotStatus
from shared_services.wire import iso_o


def status(value: BotStatus) -> Json:
    shape: Json = {
        "status": value.status,
        "thread_alive": value.thread_alive,
        "cycle_count": value.cycle_count,
        "uptime": value.uptime,
        "last_update": _stamp(value.last_update),
        "last_cycle_time": _stamp(value.last_cycle_time),
    }
    return shape if value.error is None else shape | {"error": value.error}


def reply(value: BotReply) -> Json:
    return {"message": value.message, "status": value.status, "success": value.success}


def _stamp(ms: int | None) -> str | None:
    """These two keys are there from the beginning, without a value."""
    return None if ms is None else iso_o(ms)
