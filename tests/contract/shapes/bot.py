"""The bot's state, and what became of a start or a stop."""

from hypothesis import strategies as st

from fastapi_app.bot import BotReplyOut, BotStatusOut
from legacy_flask.wire import bot as wire
from shared_services.bot.model import BotReply, BotState, BotStatus
from tests.contract.shape import Pair, built, milliseconds, real, text

PAIRS = {
    "bot status": Pair(
        wire.status,
        BotStatusOut,
        built(
            BotStatus,
            status=st.sampled_from([BotState.RUNNING, BotState.STOPPED]),
            uptime=real,
            last_update=st.none() | milliseconds,
            last_cycle_time=st.none() | milliseconds,
            error=st.none() | text,
        ),
        nulls=True,
    ),
    "bot reply": Pair(wire.reply, BotReplyOut, built(BotReply)),
}
