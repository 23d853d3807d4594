"""Section 5.14: nonces and performance."""

from dataclasses import replace
from typing import Any

from shared_services.nonces.tables import NONCES, NonceRow
from shared_services.storage import Transaction
from tests.contract.case import JSON, Case, get, post_order
from tests.contract.world import DOWN, LOSING, NO_EXCHANGE, Shop, World
from tests.contract.world import example as seed_example
from tests.drive import Request
from tests.fakes import EXAMPLE_NOW, HOUR_MS

NONCE = "/api/monitoring/nonce"
PERFORMANCE = "/api/monitoring/performance"
NOW = "2023-11-14T22:13:20+00:00"

BTC = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
BUY = post_order(BTC)
SELL = post_order(BTC | {"side": "sell"})
SELL_ALL = post_order(BTC | {"side": "sell", "amount": 0.05})

NO_NONCES: dict[str, Any] = {
    "active_api_keys": {},
    "queue_size": 0,
    "total_nonces_issued": 0,
    "uptime_hours": 0.0,
}
NO_TRADE: dict[str, Any] = {
    "current_drawdown": 0.0,
    "losing_trades": 0,
    "max_drawdown": 0.0,
    "total_pnl": 0.0,
    "total_trades": 0,
    "win_rate": 0.0,
    "winning_trades": 0,
}


def traded(won: int, lost: int, pnl: float, base: float, **more: float) -> dict[str, Any]:
    """After a trade the account never was worth less than before, unless `more` says so."""
    return {
        "base_value": base,
        "current_drawdown": 0.0,
        "losing_trades": lost,
        "max_drawdown": 0.0,
        "peak_value": base + pnl,
        "total_pnl": pnl,
        "total_trades": won + lost,
        "win_rate": won / (won + lost),
        "winning_trades": won,
    } | more


def _use_keys(tx: Transaction) -> None:
    row = NonceRow(
        key_id="1",
        shown="***abcd",
        mark=1_700_000_000_005,
        total_requests=3,
        first_ms=EXAMPLE_NOW - HOUR_MS,
        last_request_ms=EXAMPLE_NOW - 500,
        budget_us=0,
        owner="",
        until_ms=0,
        heir="",
        heir_until_ms=0,
    )
    tx.put(NONCES, row)
    other = replace(row, key_id="2", shown="***wxyz", mark=1_700_000_000_009, total_requests=1)
    tx.put(NONCES, replace(other, last_request_ms=EXAMPLE_NOW))


async def _keys(shop: Shop) -> None:
    await seed_example(shop)
    await shop.store.transaction(_use_keys)


KEYS = World("keys in use", _keys)

USES = [
    Case(
        "monitoring.nonce",
        "paper uses none",
        get(NONCE),
        200,
        b'{"active_api_keys":{},"queue_size":0,"total_nonces_issued":0,"uptime_hours":0.0}\n',
    ),
    Case("monitoring.nonce", "paper after an order", get(NONCE), 200, NO_NONCES, before=(BUY,)),
    Case("monitoring.nonce", "no exchange", get(NONCE), 200, NO_NONCES, world=NO_EXCHANGE),
    Case("monitoring.nonce", "the exchange fails", get(NONCE), 200, NO_NONCES, world=DOWN),
    Case(
        "monitoring.nonce",
        "a query and a body are ignored",
        Request("GET", f"{NONCE}?key=abcd", JSON, b"{"),
        200,
        NO_NONCES,
    ),
    Case(
        "monitoring.nonce",
        "two keys",
        get(NONCE),
        200,
        {
            "active_api_keys": {
                "***abcd": {
                    "last_request": "2023-11-14T22:13:19.500000+00:00",
                    "total_requests": 3,
                },
                "***wxyz": {"last_request": NOW, "total_requests": 1},
            },
            "last_nonce": 1_700_000_000_009,
            "queue_size": 0,
            "total_nonces_issued": 4,
            "uptime_hours": 0.0,
        },
        world=KEYS,
    ),
]

TRADES = [
    Case(
        "monitoring.performance",
        "no trade",
        get(PERFORMANCE),
        200,
        b'{"current_drawdown":0.0,"losing_trades":0,"max_drawdown":0.0,"total_pnl":0.0,'
        b'"total_trades":0,"win_rate":0.0,"winning_trades":0}\n',
    ),
    Case(
        "monitoring.performance",
        "to buy more is no trade",
        get(PERFORMANCE),
        200,
        NO_TRADE,
        before=(BUY,),
    ),
    Case(
        "monitoring.performance", "no exchange", get(PERFORMANCE), 200, NO_TRADE, world=NO_EXCHANGE
    ),
    Case(
        "monitoring.performance", "the exchange fails", get(PERFORMANCE), 200, NO_TRADE, world=DOWN
    ),
    Case(
        "monitoring.performance",
        "a trade",
        get(PERFORMANCE),
        200,
        traded(1, 0, 19.5001, 10000.0),  # (39990 - 38000) x 0.01, less the fee
        before=(SELL,),
    ),
    Case(
        "monitoring.performance",
        "a trade that was booked before",
        get(PERFORMANCE),
        200,
        traded(1, 0, 19.5001, 10000.0),
        before=(SELL, get("/api/positions"), get(PERFORMANCE)),
    ),
    Case(
        "monitoring.performance",
        "a position is closed",
        get(PERFORMANCE),
        200,
        traded(1, 0, 97.5005, 10000.0),
        before=(SELL_ALL,),
    ),
    Case(
        "monitoring.performance",
        "a gain and a loss",
        get(PERFORMANCE),
        200,
        traded(  # the second bought at 40010 and sold at 39990
            1,
            1,
            96.9006,
            10000.0,
            peak_value=10097.5005,
            current_drawdown=0.5999 / 10097.5005,
            max_drawdown=0.5999 / 10097.5005,
        ),
        before=(SELL_ALL, BUY, SELL),
    ),
    Case(
        "monitoring.performance",
        "a loss alone",
        get(PERFORMANCE),
        200,
        traded(
            0,
            1,
            -502.0,
            9497.5,
            peak_value=9497.5,
            current_drawdown=502 / 9497.5,
            max_drawdown=502 / 9497.5,
        ),
        world=LOSING,
    ),
]

CASES = [*USES, *TRADES]
