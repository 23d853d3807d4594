"""Section 2.11: an order is placed once per key."""

from tests.contract.case import Case, get, post_order
from tests.contract.cases.creating import FILLED, placed
from tests.contract.world import EMPTY, EXAMPLE, LOST_ANSWER, ORDER, POOR, RUNNING

BODY = {"symbol": "TESTBTC/TESTUSD", "order_type": "market", "side": "buy", "amount": 0.01}
REORDERED = {"leverage": "1", "amount": "0.010", "side": "buy", "order_type": "market"} | {
    "symbol": "TESTBTC/TESTUSD",
    "position_type": None,
    "price": 5,
}
FIRST = post_order(BODY, idempotency_key="k")
BY_BODY = post_order(BODY | {"client_order_id": "k"})
REPLAYED = {"idempotency-replayed": "true"}
USED = {"error": "Idempotency key already used with a different request"}
FOUND = FILLED | {"client_order_id": "k"}

CASES = [
    Case("orders.create", "a key", FIRST, 201, placed(FILLED), {"idempotency-replayed": None}),
    Case("orders.create", "replayed", FIRST, 201, placed(FILLED), REPLAYED, (FIRST,)),
    Case(
        "orders.create",
        "the same request written otherwise is replayed",
        post_order(REORDERED, idempotency_key="k"),
        201,
        placed(FILLED),
        REPLAYED,
        (FIRST,),
    ),
    Case(
        "orders.create", "replayed by client id", BY_BODY, 201, placed(FOUND), REPLAYED, (BY_BODY,)
    ),
    Case(
        "orders.create",
        "header and client id are one key",
        post_order(BODY | {"client_order_id": "k"}, idempotency_key="k"),
        201,
        placed(FILLED),
        REPLAYED,
        (FIRST,),
    ),
    Case(
        "orders.create",
        "a repeated header is one key",
        post_order(BODY, idempotency_key="k,l"),
        201,
        placed(FILLED),
        REPLAYED,
        (post_order(BODY, idempotency_key="k\nl"),),
    ),
    Case(
        "orders.create",
        "blanks around the header are no part of the key",
        post_order(BODY, idempotency_key=" k\t"),
        201,
        placed(FILLED),
        REPLAYED,
        (FIRST,),
    ),
    Case(
        "orders.create",
        "a replay sends nothing",
        get("/api/balances"),
        200,
        [
            {"available": 7209.4999, "currency": "TESTUSD", "total_balance": 7599.4999},
            {"available": 0.06, "currency": "TESTBTC", "total_balance": 0.06},
        ],
        before=(FIRST, FIRST, FIRST),
    ),
    Case(
        "orders.create",
        "a key for another request",
        post_order(BODY | {"amount": 0.02}, idempotency_key="k"),
        409,
        USED,
        {"idempotency-replayed": None},
        (FIRST,),
    ),
    Case(
        "orders.create",
        "the first request is still running",
        post_order(ORDER, idempotency_key="k"),
        409,
        {"error": "Request with this idempotency key is still in progress"},
        {"idempotency-replayed": None},
        world=RUNNING,
    ),
    Case(
        "orders.create",
        "a different request while the first is still running",
        post_order(ORDER | {"side": "sell"}, idempotency_key="k"),
        409,
        USED,
        world=RUNNING,
    ),
    Case(
        "orders.create",
        "another key",
        post_order(BODY, idempotency_key="l"),
        201,
        placed(FILLED | {"id": "1002"}),
        {"idempotency-replayed": None},
        (FIRST,),
    ),
    Case(
        "orders.create",
        "a refusal by risk management is remembered",
        FIRST,
        400,
        {"details": ["Portfolio value is zero"], "error": "Order rejected by risk management"},
        REPLAYED,
        (FIRST,),
        EMPTY,
    ),
    Case(
        "orders.create",
        "a refusal by the exchange is remembered",
        post_order(BODY | {"amount": 0.005}, idempotency_key="k"),
        400,
        {
            "details": "Insufficient TESTUSD balance: need 200.05, available 10.00",
            "error": "Failed to place order",
        },
        REPLAYED,
        (post_order(BODY | {"amount": 0.005}, idempotency_key="k"),),
        POOR,
    ),
    Case(
        "orders.create",
        "an invalid request is not remembered",
        FIRST,
        201,
        placed(FILLED),
        {"idempotency-replayed": None},
        (post_order(BODY | {"amount": -1}, idempotency_key="k"),),
        EXAMPLE,
    ),
    Case(
        "orders.create",
        "of an unknown outcome the order is found",
        BY_BODY,
        201,
        placed(FOUND),
        {"idempotency-replayed": None},
        (BY_BODY,),
        LOST_ANSWER,
    ),
]
