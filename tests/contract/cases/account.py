"""Sections 5.1, 5.2 and the limitations of 5.3: what the account holds and may do."""

from typing import Any

from tests.contract.case import Case, get, post_order
from tests.contract.world import CROWDED, EMPTY, MARGIN
from tests.drive import Request
from tests.fakes import EXAMPLE_NOW, HOUR_MS

HOLDING: dict[str, Any] = {
    "amount": 0.05,
    "collateral": 2000.0,
    "contracts": 0.05,
    "entry_price": 38000.0,
    "id": "spot_TESTBTC_1700000000",
    "leverage": 1.0,
    "maintenance_margin": 0.0,
    "margin_mode": "spot",
    "mark_price": 40000.0,
    "notional": 2000.0,
    "pnl": 100.0,
    "pnl_percentage": 5.263157894736842,
    "position_type": "spot",
    "side": "buy",
    "symbol": "BTC/USD",
    "timestamp": EXAMPLE_NOW,
}
OF_EXCHANGE: dict[str, Any] = {
    "amount": 0.5,
    "collateral": 500.0,
    "contracts": 0.5,
    "entry_price": 2100.0,
    "id": "m1",
    "leverage": 2.0,
    "maintenance_margin": 100.0,
    "margin_mode": "isolated",
    "mark_price": 2000.0,
    "notional": 1000.0,
    "pnl": 50.0,
    "pnl_percentage": 4.75,
    "position_type": "margin",
    "side": "short",
    "symbol": "LTC/USD",
    "timestamp": EXAMPLE_NOW - HOUR_MS,
}
LABELLED = HOLDING | {
    "amount": 0.06,
    "collateral": 2400.0,
    "contracts": 0.06,
    "entry_price": 2300.1 / 0.06,
    "id": "margin_TESTBTC_1700000000",
    "maintenance_margin": 240.0,
    "margin_mode": "cross",
    "notional": 2400.0,
    "pnl": 99.9,
    "pnl_percentage": 99.9 / 2300.1 * 100,
    "position_type": "margin",
}
MARGIN_ORDER = post_order(
    {
        "symbol": "TESTBTC/TESTUSD",
        "order_type": "market",
        "side": "buy",
        "amount": 0.01,
        "position_type": "margin",
    }
)

CASES = [
    Case(
        "status.get",
        "totals",
        get("/api/status"),
        200,
        b'{"balance":{"TESTBTC":0.05,"TESTUSD":8000.0},"status":"running"}\n',
    ),
    Case(
        "status.get",
        "nothing held",
        get("/api/status"),
        200,
        {"balance": {}, "status": "running"},
        world=EMPTY,
    ),
    Case(
        "balances.list",
        "totals and what is available",
        get("/api/balances"),
        200,
        b'[{"available":7610.0,"currency":"TESTUSD","total_balance":8000.0},'
        b'{"available":0.05,"currency":"TESTBTC","total_balance":0.05}]\n',
    ),
    Case("balances.list", "nothing held", get("/api/balances"), 200, b"[]\n", world=EMPTY),
    Case(
        "balances.list",
        "a cancelled order gives back what it reserved",
        get("/api/balances"),
        200,
        [
            {"available": 8000.0, "currency": "TESTUSD", "total_balance": 8000.0},
            {"available": 0.05, "currency": "TESTBTC", "total_balance": 0.05},
        ],
        before=(Request("DELETE", "/api/orders/1000"),),
    ),
    Case(
        "balances.list",
        "a fill moves both currencies and takes the fee",
        get("/api/balances"),
        200,
        [
            {"available": 7209.4999, "currency": "TESTUSD", "total_balance": 7599.4999},
            {"available": 0.06, "currency": "TESTBTC", "total_balance": 0.06},
        ],
        before=(MARGIN_ORDER,),
    ),
    Case("positions.list", "a spot holding", get("/api/positions"), 200, [HOLDING]),
    Case("positions.list", "no position", get("/api/positions"), 200, b"[]\n", world=EMPTY),
    Case(
        "positions.list",
        "margin positions of the exchange come first",
        get("/api/positions"),
        200,
        [OF_EXCHANGE, HOLDING],
        world=MARGIN,
    ),
    Case(
        "positions.list",
        "several of the exchange",
        get("/api/positions"),
        200,
        [*(OF_EXCHANGE | {"id": f"m{number}"} for number in (1, 2, 3, 4)), HOLDING],
        world=CROWDED,
    ),
    Case(
        "positions.list",
        "a margin order labels the holding",
        get("/api/positions"),
        200,
        [LABELLED],
        before=(MARGIN_ORDER,),
    ),
    Case(
        "trading.limitations",
        "paper",
        get("/api/trading-limitations"),
        200,
        b'{"is_paper_trading":true,"limitations":["Orders are simulated",'
        b'"Margin orders are executed as spot"],"margin_trading_available":false,'
        b'"supported_order_types":["spot"]}\n',
    ),
]
