"""Section 6: what risk management refuses."""

from tests.contract.case import Case, post_order
from tests.contract.world import CROWDED, EMPTY, EXAMPLE, LOSING, World

BTC = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
ETH = BTC | {"symbol": "TESTETH/TESTUSD"}


def _rejected(name: str, body: dict[str, object], *details: str, world: World = EXAMPLE) -> Case:
    answer = {"details": list(details), "error": "Order rejected by risk management"}
    return Case("orders.create", name, post_order(body), 400, answer, world=world)


CASES = [
    _rejected("R1", BTC | {"amount": 0.05}, "Position size 20.00% exceeds maximum 10.00%"),
    _rejected(
        "R1, a limit buy at its limit",
        BTC | {"amount": 0.05, "order_type": "limit", "price": 30000},
        "Position size 15.00% exceeds maximum 10.00%",
    ),
    _rejected(
        "R1, a limit sale at the better of limit and price",
        BTC | {"side": "sell", "amount": 0.1, "order_type": "limit", "price": 30000},
        "Position size 20.00% exceeds maximum 10.00%",
    ),
    _rejected("R2", BTC | {"leverage": 5}, "Leverage 5.0x exceeds maximum 3.0x"),
    _rejected("R3", ETH, "Maximum number of open positions (5) exceeded", world=CROWDED),
    _rejected("R4", ETH, "Daily loss limit exceeded", world=LOSING),
    _rejected(
        "R1, R2, R3",
        ETH | {"amount": 2, "leverage": 3.5},
        # 8000 + 0.05 x 40000 = 10000; 2 x 2000 of it
        "Position size 40.00% exceeds maximum 10.00%",
        "Leverage 3.5x exceeds maximum 3.0x",
        "Maximum number of open positions (5) exceeded",
        world=CROWDED,
    ),
    _rejected("an empty account", BTC, "Portfolio value is zero", world=EMPTY),
    Case(
        "orders.create",
        "closing is always allowed",
        post_order(BTC | {"side": "sell", "amount": 0.05, "leverage": 100}),
        201,
        world=CROWDED,
    ),
    Case("orders.create", "adding at the position limit", post_order(BTC), 201, world=CROWDED),
]
