"""Sections 2.12 and 5.14: caches that nobody notices, and what is told of them."""

from typing import Any

from tests.contract.case import Case, get, post_order
from tests.contract.cases.account import HOLDING
from tests.contract.world import DOWN, EMPTY, NO_EXCHANGE
from tests.drive import Request

CACHE = "/api/monitoring/cache"
BALANCES, POSITIONS, STATUS = get("/api/balances"), get("/api/positions"), get("/api/status")
CANCEL = Request("DELETE", "/api/orders/1000")
BTC = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
BUY = post_order(BTC)
SELL_ALL = post_order(BTC | {"side": "sell", "amount": 0.05})
REJECTED = post_order(BTC | {"amount": 0.05})

NOTHING_ASKED: dict[str, Any] = {
    "cache_hit_rate": 0.0,
    "cache_hits": 0,
    "cache_misses": 0,
    "configured_strategies": {"balances": {"ttl": 30}, "positions": {"ttl": 20}},
    "most_accessed": [],
    "total_entries": 0,
    "total_requests": 0,
}


def entry(key: str, count: int, ttl: float) -> dict[str, Any]:
    return {"access_count": count, "age_seconds": 0.0, "key": key, "remaining_ttl": ttl}


def counted(hits: int, misses: int, *entries: dict[str, Any]) -> dict[str, Any]:
    asked = hits + misses
    return NOTHING_ASKED | {
        "cache_hit_rate": hits / asked * 100,
        "cache_hits": hits,
        "cache_misses": misses,
        "most_accessed": list(entries),
        "total_entries": len(entries),
        "total_requests": asked,
    }


CASES = [
    Case(
        "monitoring.cache",
        "nobody asked",
        get(CACHE),
        200,
        b'{"cache_hit_rate":0.0,"cache_hits":0,"cache_misses":0,"configured_strategies":'
        b'{"balances":{"ttl":30},"positions":{"ttl":20}},"most_accessed":[],'
        b'"total_entries":0,"total_requests":0}\n',
    ),
    Case(
        "monitoring.cache",
        "three times found",
        get(CACHE),
        200,
        counted(3, 1, entry("balances", 3, 30.0)),
        before=4 * (BALANCES,),
    ),
    Case(
        "monitoring.cache",
        "the status asks for the balances",
        get(CACHE),
        200,
        counted(1, 1, entry("balances", 1, 30.0)),
        before=(STATUS, BALANCES),
    ),
    Case(
        "monitoring.cache",
        "positions, whose first look books a fill",
        get(CACHE),
        200,
        counted(1, 1, entry("positions", 1, 20.0)),
        before=2 * (POSITIONS,),
    ),
    Case(
        "monitoring.cache",
        "what was found most comes first",
        get(CACHE),
        200,
        counted(3, 2, entry("positions", 2, 20.0), entry("balances", 1, 30.0)),
        before=(*3 * (POSITIONS,), *2 * (BALANCES,)),
    ),
    Case(
        "monitoring.cache",
        "an order drops both",
        get(CACHE),
        200,
        counted(0, 2),
        before=(POSITIONS, BALANCES, BUY),
    ),
    Case(
        "monitoring.cache",
        "a cancellation drops both",
        get(CACHE),
        200,
        counted(0, 2),
        before=(POSITIONS, BALANCES, CANCEL),
    ),
    Case(
        "monitoring.cache",
        "an order found filled drops both, once",
        get(CACHE),
        200,
        counted(0, 2, entry("balances", 0, 30.0)),
        before=(
            BALANCES,
            get("/api/orders/999?symbol=x"),
            BALANCES,
            get("/api/orders/999?symbol=x"),
        ),
    ),
    Case(
        "monitoring.cache",
        "an order at rest drops nothing",
        get(CACHE),
        200,
        counted(0, 1, entry("balances", 0, 30.0)),
        before=(BALANCES, get("/api/orders/1000?symbol=x")),
    ),
    Case(
        "monitoring.cache",
        "a rejected order drops nothing",
        get(CACHE),
        200,
        counted(1, 2, entry("positions", 1, 20.0), entry("balances", 0, 30.0)),
        before=(POSITIONS, BALANCES, REJECTED, POSITIONS),
    ),
    Case(
        "monitoring.cache",
        "the live portfolio uses none",
        get(CACHE),
        200,
        NOTHING_ASKED,
        before=(get("/api/live-portfolio/snapshot"),),
    ),
    Case(
        "monitoring.cache",
        "a failure is not kept",
        get(CACHE),
        200,
        counted(0, 3),
        before=(BALANCES, STATUS, POSITIONS),
        world=DOWN,
    ),
    Case(
        "monitoring.cache",
        "without an exchange nobody looks",
        get(CACHE),
        200,
        NOTHING_ASKED,
        before=(BALANCES, STATUS, POSITIONS),
        world=NO_EXCHANGE,
    ),
    Case("balances.list", "twice the same", BALANCES, 200, before=(BALANCES,)),
    Case(
        "balances.list",
        "an order is seen at once",
        BALANCES,
        200,
        [
            {"available": 7209.4999, "currency": "TESTUSD", "total_balance": 7599.4999},
            {"available": 0.06, "currency": "TESTBTC", "total_balance": 0.06},
        ],
        before=(BALANCES, BUY),
    ),
    Case(
        "status.get",
        "a cancellation is seen at once",
        STATUS,
        200,
        {"balance": {"TESTBTC": 0.05, "TESTUSD": 8000.0}, "status": "running"},
        before=(STATUS, CANCEL),
    ),
    Case("positions.list", "twice the same", POSITIONS, 200, [HOLDING], before=(POSITIONS,)),
    Case(
        "positions.list",
        "a sale is seen at once",
        POSITIONS,
        200,
        [],
        before=(POSITIONS, SELL_ALL),
    ),
    Case(
        "positions.list",
        "no position, twice",
        POSITIONS,
        200,
        b"[]\n",
        before=(POSITIONS,),
        world=EMPTY,
    ),
]
