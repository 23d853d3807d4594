"""Section 5.14: alerts, their sources and their query."""

from typing import Any

from shared_services.monitoring.alerts import Level, alert, record
from shared_services.storage import Transaction
from tests.contract.case import Case, get, post_order
from tests.contract.world import CROWDED, DOWN, LOSING, NO_EXCHANGE, Shop, World
from tests.contract.world import example as seed_example
from tests.fakes import EXAMPLE_NOW, HOUR_MS

ALERTS = "/api/monitoring/alerts"
NOW = "2023-11-14T22:13:20+00:00"

BALANCES, POSITIONS = get("/api/balances"), get("/api/positions")
BTC = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
BUY = post_order(BTC)
TOO_LARGE = BTC | {"amount": 0.05}
REJECTED = post_order(TOO_LARGE)

TOLD_REJECTION: dict[str, Any] = {
    "level": "WARNING",
    "message": "Order rejected by risk management",
    "metadata": {
        "details": ["Position size 20.00% exceeds maximum 10.00%"],
        "symbol": "TESTBTC/TESTUSD",
    },
    "timestamp": NOW,
}
# 500 lost and 4.5 of fees, of 10000
TOLD_LOSS: dict[str, Any] = {
    "level": "CRITICAL",
    "message": "Daily loss limit reached",
    "metadata": {"daily_pnl": -504.5, "limit": 189.91, "portfolio_value": 9495.5},
    "timestamp": NOW,
}
LOSS_REJECTION = TOLD_REJECTION | {
    "metadata": {"details": ["Daily loss limit exceeded"], "symbol": "TESTBTC/TESTUSD"}
}
BAD_HOURS = {"error": "Invalid hours: must be greater than 0 and at most 168"}


def told(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"alerts": list(alerts), "count": len(alerts)}


def failure(message: str) -> dict[str, Any]:
    return {
        "level": "ERROR",
        "message": f"Exchange failure: {message}",
        "metadata": {"error": "Exchange error: no route"},
        "timestamp": NOW,
    }


def _tell(tx: Transaction) -> None:
    for hours, level in ((168, Level.INFO), (24, Level.ERROR), (2, Level.INFO), (1, Level.ERROR)):
        row = alert(level, f"{hours} hours ago", {}, EXAMPLE_NOW - hours * HOUR_MS)
        record(tx, row)


async def _past(shop: Shop) -> None:
    await seed_example(shop)
    await shop.store.transaction(_tell)


def _tell_much(tx: Transaction) -> None:
    for number in range(1001):
        record(tx, alert(Level.INFO, f"{number}", {}, EXAMPLE_NOW))


async def _noise(shop: Shop) -> None:
    await shop.store.transaction(_tell_much)


PAST = World("alerts of a week", _past)
NOISE = World("1001 alerts at once", _noise, port=None)


def earlier(hours: int, level: str, stamp: str) -> dict[str, Any]:
    return {"level": level, "message": f"{hours} hours ago", "metadata": {}, "timestamp": stamp}


ONE_HOUR = earlier(1, "ERROR", "2023-11-14T21:13:20+00:00")
TWO_HOURS = earlier(2, "INFO", "2023-11-14T20:13:20+00:00")
A_DAY = earlier(24, "ERROR", "2023-11-13T22:13:20+00:00")
A_WEEK = earlier(168, "INFO", "2023-11-07T22:13:20+00:00")

CASES = [
    Case("monitoring.alerts", "none", get(ALERTS), 200, b'{"alerts":[],"count":0}\n'),
    Case(
        "monitoring.alerts",
        "a rejected order",
        get(ALERTS),
        200,
        b'{"alerts":[{"level":"WARNING","message":"Order rejected by risk management","metadata":'
        b'{"details":["Position size 20.00% exceeds maximum 10.00%"],"symbol":"TESTBTC/TESTUSD"},'
        b'"timestamp":"2023-11-14T22:13:20+00:00"}],"count":1}\n',
        before=(REJECTED,),
    ),
    Case(
        "monitoring.alerts",
        "each rejection",
        get(ALERTS),
        200,
        told(TOLD_REJECTION, TOLD_REJECTION),
        before=(REJECTED, REJECTED),
    ),
    Case(
        "monitoring.alerts",
        "a rejection that is replayed is told once",
        get(ALERTS),
        200,
        told(TOLD_REJECTION),
        before=2 * (post_order(TOO_LARGE, idempotency_key="k"),),
    ),
    Case(
        "monitoring.alerts",
        "every rule that was broken",
        get(ALERTS),
        200,
        told(
            TOLD_REJECTION
            | {
                "metadata": {
                    "details": [
                        "Position size 40.00% exceeds maximum 10.00%",
                        "Leverage 3.5x exceeds maximum 3.0x",
                        "Maximum number of open positions (5) exceeded",
                    ],
                    "symbol": "TESTETH/TESTUSD",
                }
            }
        ),
        before=(post_order(BTC | {"symbol": "TESTETH/TESTUSD", "amount": 2, "leverage": 3.5}),),
        world=CROWDED,
    ),
    Case(
        "monitoring.alerts",
        "an order that is refused, invalid or unknown is no alert",
        get(ALERTS),
        200,
        told(),
        before=(
            post_order(BTC | {"amount": 0}),
            post_order(BTC | {"symbol": "FOO/USD"}),
            get("/api/orders/7?symbol=x"),
        ),
    ),
    Case(
        "monitoring.alerts",
        "the loss of the day",
        get(ALERTS),
        200,
        told(LOSS_REJECTION, TOLD_LOSS),
        before=(BUY,),
        world=LOSING,
    ),
    Case(
        "monitoring.alerts",
        "the loss of the day, once",
        get(ALERTS),
        200,
        told(LOSS_REJECTION, LOSS_REJECTION, TOLD_LOSS),
        before=(BUY, BUY),
        world=LOSING,
    ),
    Case(
        "monitoring.alerts",
        "an exchange that fails",
        get(ALERTS),
        200,
        told(failure("Live balances unavailable")),
        before=(BALANCES,),
        world=DOWN,
    ),
    Case(
        "monitoring.alerts",
        "the same failure again",
        get(ALERTS),
        200,
        told(failure("Live balances unavailable")),
        before=3 * (BALANCES,),
        world=DOWN,
    ),
    Case(
        "monitoring.alerts",
        "other failures, the newest first",
        get(ALERTS),
        200,
        told(
            failure("Order was not sent"),
            failure("Live portfolio data unavailable"),
            failure("Live positions unavailable"),
        ),
        before=(POSITIONS, get("/api/live-portfolio/snapshot"), BUY),
        world=DOWN,
    ),
    Case(
        "monitoring.alerts",
        "what is not configured does not fail",
        get(ALERTS),
        200,
        told(),
        before=(BALANCES, BUY, POSITIONS),
        world=NO_EXCHANGE,
    ),
    Case(
        "monitoring.alerts", "a day", get(ALERTS), 200, told(ONE_HOUR, TWO_HOURS, A_DAY), world=PAST
    ),
    *(
        Case("monitoring.alerts", name, get(f"{ALERTS}?{query}"), 200, told(*expected), world=PAST)
        for name, query, expected in (
            ("a week", "hours=168", [ONE_HOUR, TWO_HOURS, A_DAY, A_WEEK]),
            ("hours with a fraction", "hours=1.5", [ONE_HOUR]),
            ("hours with an exponent", "hours=2e0", [ONE_HOUR, TWO_HOURS]),
            ("hours with a sign and blanks", "hours=%20%2B2%20", [ONE_HOUR, TWO_HOURS]),
            ("a moment", "hours=1e-300", []),
            ("the first hours count", "hours=1&hours=x", [ONE_HOUR]),
            ("a level", "level=INFO", [TWO_HOURS]),
            ("a level, its case ignored", "level=eRRor", [ONE_HOUR, A_DAY]),
            ("a level that nothing has", "level=critical", []),
            ("the first level counts", "level=INFO&level=x", [TWO_HOURS]),
            ("level and hours", "level=info&hours=168", [TWO_HOURS, A_WEEK]),
        )
    ),
    *(
        Case(
            "monitoring.alerts",
            f"level={level!r}",
            get(f"{ALERTS}?level={sent}"),
            400,
            {"error": f"Invalid level: {level}"},
        )
        for level, sent in (
            ("FOO", "FOO"),
            ("foo", "foo"),
            ("WARN", "WARN"),
            ("", ""),
            (" INFO", "%20INFO"),
            ("INFO,ERROR", "INFO,ERROR"),
            ("\u0131nfo", "%C4%B1nfo"),
            ("<b>", "%3Cb%3E"),
        )
    ),
    *(
        Case(
            "monitoring.alerts", f"hours={hours!r}", get(f"{ALERTS}?hours={hours}"), 400, BAD_HOURS
        )
        for hours in (
            *("0", "-1", "168.0001", "169", "1e400", "nan", "inf", "Infinity", "abc", "", "0.0"),
            *("1h", "1%202", "0x10", "1_0", "true", "%D9%A1"),
        )
    ),
    Case(
        "monitoring.alerts",
        "the level is read first",
        get(f"{ALERTS}?hours=0&level=x"),
        400,
        {"error": "Invalid level: x"},
    ),
    Case(
        "monitoring.alerts",
        "at most 1000",
        get(ALERTS),
        200,
        told(
            *(
                {"level": "INFO", "message": f"{number}", "metadata": {}, "timestamp": NOW}
                for number in range(1000, 0, -1)
            )
        ),
        world=NOISE,
    ),
]
