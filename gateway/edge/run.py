"""Awaits the app, and sees to it that its client gets an answer.

Apart from the cycle, which is compiled: what the app raises would lose its traceback there (`gateway.turn`).
"""

import logging
from typing import Final

from gateway.answer import ClientTooSlow
from gateway.edge.cycle import Cycle
from gateway.messages import App

_log: Final = logging.getLogger("uvicorn.error")


async def run(app: App, cycle: Cycle) -> None:
    """What the app raises ends here: the client gets a 500 or a cut answer."""
    try:
        await app(cycle.scope, cycle.receive, cycle.send)
    except ClientTooSlow:
        pass  # counted where it was decided
    except BaseException as error:  # as uvicorn: one request never ends the server
        _log.error("Exception in ASGI application\n", exc_info=error)
    else:
        if cycle.complete or cycle.over or cycle.gave_up():
            return
        _log.error("ASGI callable returned without completing its response.")
    await cycle.fail()
