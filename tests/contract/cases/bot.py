"""Section 5.7: the bot. Quirks K9 and K23, bugs B1 and B23."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from shared_services.bot.tables import BOT, BotRow
from shared_services.storage import Transaction
from tests.contract.case import Case, get
from tests.contract.cases.routing import OPEN
from tests.contract.world import BROKEN, DOWN, NO_EXCHANGE, TOKEN, WITH_TOKEN, Shop, World, example
from tests.drive import Request
from tests.fakes import EXAMPLE_NOW, HOUR_MS

STATUS = get("/api/bot-status")
START = Request("POST", "/api/bot/start")
STOP = Request("POST", "/api/bot/stop")

NEVER = (
    b'{"cycle_count":0,"last_cycle_time":null,"last_update":null,"status":"stopped",'
    b'"thread_alive":false,"uptime":0.0}\n'
)
NOW = "2023-11-14T22:13:20+00:00"
STARTED = b'{"message":"Bot started with trading logic","status":"running","success":true}\n'
ALREADY = b'{"message":"Bot is already running","status":"running","success":false}\n'
NO_EXCHANGE_TO_USE = (
    b'{"message":"Failed to start bot: exchange service not configured",'
    b'"status":"error","success":false}\n'
)
STOPPED = b'{"message":"Bot stopped successfully","status":"stopped","success":true}\n'
NOT_RUNNING = b'{"message":"Bot is not running","status":"stopped","success":false}\n'

RUN = BotRow(
    name="bot",
    wanted=True,
    run="run",
    owner="another process",
    lease_until_ms=EXAMPLE_NOW + 1,
    started_ms=EXAMPLE_NOW - HOUR_MS,
    updated_ms=EXAMPLE_NOW - 60_123,
    cycle_count=12,
    last_cycle_ms=EXAMPLE_NOW - 60_123,
    pending=None,
    error=None,
)
RUNNING: dict[str, Any] = {
    "cycle_count": 12,
    "last_cycle_time": "2023-11-14T22:12:19.877000+00:00",
    "last_update": "2023-11-14T22:12:19.877000+00:00",
    "status": "running",
    "thread_alive": True,
    "uptime": 3600.0,
}


def _seed(row: BotRow) -> Callable[[Shop], Awaitable[None]]:
    async def seed(shop: Shop) -> None:
        await example(shop)
        await shop.store.transaction(_put, row)

    return seed


def _put(tx: Transaction, row: BotRow) -> None:
    tx.put(BOT, row)


ORPHAN = replace(RUN, lease_until_ms=EXAMPLE_NOW)  # its owner has just died
FAILED = replace(RUN, wanted=False, owner=None, lease_until_ms=0, error="it broke")

ELSEWHERE = World("bot in another process", _seed(RUN))
ORPHANED = World("bot without a worker", _seed(ORPHAN))
ABANDONED = World("bot that nobody can run", _seed(ORPHAN), port=None)
FOREIGN = World("bot elsewhere, no exchange here", _seed(RUN), port=None)
ENDED = World("bot ended by a defect", _seed(FAILED))

CASES = [
    Case("bot.status", "never started", STATUS, 200, NEVER, OPEN),
    Case("bot.status", "no exchange", STATUS, 200, NEVER, world=NO_EXCHANGE),
    Case("bot.status", "the exchange fails", STATUS, 200, NEVER, world=DOWN),
    Case("bot.status", "asks no exchange", STATUS, 200, NEVER, world=BROKEN),
    Case(
        "bot.status",
        "just started",
        STATUS,
        200,
        {
            "cycle_count": 0,
            "last_cycle_time": None,
            "last_update": NOW,
            "status": "running",
            "thread_alive": True,
            "uptime": 0.0,
        },
        before=(START,),
    ),
    Case(
        "bot.status",
        "just stopped",
        STATUS,
        200,
        {
            "cycle_count": 0,
            "last_cycle_time": None,
            "last_update": NOW,
            "status": "stopped",
            "thread_alive": False,
            "uptime": 0.0,
        },
        before=(START, STOP),
    ),
    Case("bot.status", "works in another process", STATUS, 200, RUNNING, world=ELSEWHERE),
    Case("bot.status", "works where an exchange is", STATUS, 200, RUNNING, world=FOREIGN),
    Case(
        "bot.status",
        "its owner died, and we take over within a second",
        STATUS,
        200,
        RUNNING | {"thread_alive": False},
        world=ORPHANED,
    ),
    Case(
        "bot.status",
        "its owner died, and nobody can take over",
        STATUS,
        200,
        RUNNING | {"status": "stopped", "thread_alive": False, "uptime": 0.0},
        world=ABANDONED,
    ),
    Case(
        "bot.status",
        "ended by a defect",
        STATUS,
        200,
        RUNNING | {"error": "it broke", "status": "stopped", "thread_alive": False, "uptime": 0.0},
        world=ENDED,
    ),
    Case(
        "bot.status",
        "a start forgets the defect",
        STATUS,
        200,
        {
            "cycle_count": 0,
            "last_cycle_time": None,
            "last_update": NOW,
            "status": "running",
            "thread_alive": True,
            "uptime": 0.0,
        },
        before=(START,),
        world=ENDED,
    ),
    Case(
        "bot.status",
        "a body and a query are ignored",
        Request("GET", "/api/bot-status?limit=x", {"Content-Type": "text/plain"}, b"{"),
        200,
        NEVER,
    ),
    Case("bot.start", "B1: a success is 200", START, 200, STARTED, OPEN),
    Case("bot.start", "the exchange is not asked", START, 200, STARTED, world=BROKEN),
    Case("bot.start", "again after a stop", START, 200, STARTED, before=(START, STOP)),
    Case("bot.start", "after a defect", START, 200, STARTED, world=ENDED),
    Case(
        "bot.start",
        "a body is ignored",
        Request("POST", "/api/bot/start", {"Content-Type": "text/plain"}, b"{"),
        200,
        STARTED,
    ),
    Case("bot.start", "twice", START, 400, ALREADY, OPEN, before=(START,)),
    Case("bot.start", "B23: runs in another process", START, 400, ALREADY, world=ELSEWHERE),
    Case("bot.start", "its owner died, and we take over", START, 400, ALREADY, world=ORPHANED),
    Case("bot.start", "runs where an exchange is", START, 400, ALREADY, world=FOREIGN),
    Case("bot.start", "no exchange", START, 400, NO_EXCHANGE_TO_USE, OPEN, world=NO_EXCHANGE),
    Case("bot.start", "nobody can run it", START, 400, NO_EXCHANGE_TO_USE, world=ABANDONED),
    Case(
        "bot.start",
        "a token",
        Request("POST", "/api/bot/start", {"X-API-Key": TOKEN}),
        200,
        STARTED,
        world=WITH_TOKEN,
    ),
    Case("bot.start", "the old path is unknown", Request("POST", "/api/start-bot"), 404),
    Case("bot.stop", "it runs", STOP, 200, STOPPED, OPEN, before=(START,)),
    Case("bot.stop", "it runs in another process", STOP, 200, STOPPED, world=ELSEWHERE),
    Case("bot.stop", "its owner died", STOP, 200, STOPPED, world=ORPHANED),
    Case("bot.stop", "it runs where an exchange is", STOP, 200, STOPPED, world=FOREIGN),
    Case(
        "bot.stop",
        "a body is ignored",
        Request("POST", "/api/bot/stop", {"Content-Type": "text/plain"}, b"{"),
        200,
        NOT_RUNNING,
    ),
    Case("bot.stop", "K9: never started", STOP, 200, NOT_RUNNING, OPEN),
    Case("bot.stop", "twice", STOP, 200, NOT_RUNNING, before=(START, STOP)),
    Case("bot.stop", "ended by a defect", STOP, 200, NOT_RUNNING, world=ENDED),
    Case("bot.stop", "nobody can run it", STOP, 200, NOT_RUNNING, world=ABANDONED),
    Case("bot.stop", "no exchange", STOP, 200, NOT_RUNNING, world=NO_EXCHANGE),
    Case("bot.stop", "the old path is unknown", Request("POST", "/api/stop-bot"), 404),
    Case("bot.status", "the old path is unknown", get("/api/bot/status"), 404),
]
