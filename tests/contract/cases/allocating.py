"""Section 5.13: how the portfolio should be shared out."""

from typing import Any

from tests.contract.case import Case
from tests.contract.cases.assessing import FAILED, WITHOUT
from tests.contract.cases.portfolio import BOTH, NOW, bad, post, signal, signals
from tests.contract.outage import outages
from tests.contract.world import DOWN, EMPTY
from tests.drive import Request

ALLOCATE, REBALANCE = "/api/portfolio/allocate", "/api/portfolio/rebalance"


ALLOCATION: dict[str, Any] = {
    "action": "buy",
    "amount": 3.0,
    "confidence": 0.7,
    "current_allocation": 0.0,
    "percentage": 60.0,
    "price": 2000.0,
    "symbol": "ETH/USD",
    "target_allocation": 60.0,
}


def allocate(*sent: object, **more: Any) -> Request:
    return signals(*sent, path=ALLOCATE, **more)


def allocated(
    *found: dict[str, Any], profile: str = "moderate", part: float = 0.8
) -> dict[str, Any]:
    return {
        "allocations": list(found),
        "max_allocation_percent": part,
        "risk_profile": profile,
        "timestamp": NOW,
    }


BAD_PROFILES: list[tuple[dict[str, object], str]] = [
    (
        {"risk_profile": "bold"},
        "risk_profile must be 'conservative', 'moderate' or 'aggressive'",
    ),
    (
        {"risk_profile": 1},
        "risk_profile must be 'conservative', 'moderate' or 'aggressive'",
    ),
    ({"max_allocation_percent": 80}, "max_allocation_percent must be between 0.0 and 1.0"),
    (
        {"max_allocation_percent": "0.8"},
        "max_allocation_percent must be between 0.0 and 1.0",
    ),
]
ALLOCATIONS = [
    Case("portfolio.allocate", "the example", allocate(*BOTH), 200, allocated(ALLOCATION)),
    *(
        Case(
            "portfolio.allocate",
            f"{profile}, half of it",
            allocate(*BOTH, risk_profile=profile, max_allocation_percent=0.5),
            200,
            allocated(
                ALLOCATION
                | {
                    "amount": percent * 5 / 100,
                    "percentage": percent,
                    "target_allocation": percent,
                },
                profile=profile,
                part=0.5,
            ),
        )
        for profile, percent in [("conservative", 25.0), ("moderate", 37.5), ("aggressive", 50.0)]
    ),
    Case(
        "portfolio.allocate",
        "in proportion to how sure each is",
        allocate(signal(confidence=0.9), signal(symbol="BTC/USD", confidence=0.6)),
        200,
        allocated(
            ALLOCATION
            | {"amount": 1.8, "confidence": 0.9, "percentage": 36.0, "target_allocation": 36.0},
            ALLOCATION
            | {
                "amount": 0.06,
                "confidence": 0.6,
                "current_allocation": 20.0,
                "percentage": 24.0,
                "price": 40000.0,
                "symbol": "BTC/USD",
                "target_allocation": 24.0,
            },
        ),
    ),
    Case(
        "portfolio.allocate",
        "sales get nothing",
        allocate(signal(signal_type="sell")),
        200,
        allocated(),
    ),
    Case(
        "portfolio.allocate",
        "what is refused gets nothing",
        allocate(signal(confidence=0.55)),
        200,
        allocated(),
    ),
    Case(
        "portfolio.allocate",
        "null is the default",
        allocate(*BOTH, risk_profile=None, max_allocation_percent=None),
        200,
        allocated(ALLOCATION),
    ),
    *(
        Case(
            "portfolio.allocate", f"refused: {more}", allocate(*BOTH, **more), 400, {"error": error}
        )
        for more, error in BAD_PROFILES
    ),
    bad("signals must be a non-empty list", path=ALLOCATE),
    bad(
        "signals[0].confidence must be between 0.0 and 1.0", signal(confidence=None), path=ALLOCATE
    ),
    *outages("portfolio.allocate", allocate(*BOTH), WITHOUT, FAILED),
]


def rebalance(*targets: object) -> Request:
    return post(REBALANCE, {"target_allocations": list(targets)})


def target(symbol: object, percentage: object) -> dict[str, object]:
    return {"symbol": symbol, "percentage": percentage}


SELL_HALF: dict[str, Any] = {
    "action": "sell",
    "amount": 0.025,
    "current_allocation": 20.0,
    "difference": -10.0,
    "price": 40000.0,
    "symbol": "BTC/USD",
    "target_allocation": 10.0,
    "value": 1000.0,
}
BUY_HALF: dict[str, Any] = {
    "action": "buy",
    "amount": 0.5,
    "current_allocation": 0.0,
    "difference": 10.0,
    "price": 2000.0,
    "symbol": "ETH/USD",
    "target_allocation": 10.0,
    "value": 1000.0,
}


def planned(*actions: dict[str, Any], value: float = 10000.0) -> dict[str, Any]:
    return {"actions": list(actions), "portfolio_value": value, "timestamp": NOW}


def bad_target(detail: str, *targets: object) -> Case:
    return Case(
        "portfolio.rebalance",
        f"refused: {detail}",
        rebalance(*targets),
        400,
        {"error": "Invalid target allocations", "details": [detail]},
        world=DOWN,
    )


EXAMPLE_TARGETS = (target("BTC/USD", 10), target("ETH/USD", 10))
PLANS = [
    Case(
        "portfolio.rebalance",
        "the example",
        rebalance(*EXAMPLE_TARGETS),
        200,
        planned(SELL_HALF, BUY_HALF),
    ),
    Case(
        "portfolio.rebalance",
        "nothing to do",
        rebalance(target("BTC/USD", 20)),
        200,
        planned(
            SELL_HALF
            | {
                "action": "hold",
                "amount": 0.0,
                "difference": 0.0,
                "target_allocation": 20.0,
                "value": 0.0,
            }
        ),
    ),
    Case(
        "portfolio.rebalance",
        "an account of nothing",
        rebalance(target("ETH/USD", 100)),
        200,
        planned(
            BUY_HALF
            | {"amount": 0.0, "difference": 100.0, "target_allocation": 100.0, "value": 0.0},
            value=0.0,
        ),
        world=EMPTY,
    ),
    bad_target("target_allocations must be a non-empty list"),
    bad_target("target_allocations[0] must be an object", 1),
    bad_target("target_allocations[0].symbol must be a non-empty string", target(7, 10)),
    bad_target(
        "target_allocations[1].percentage must be between 0 and 100",
        EXAMPLE_TARGETS[0],
        target("X", 101),
    ),
    bad_target("target_allocations[0].percentage must be between 0 and 100", target("X", "10")),
    bad_target("BTC/USD is there twice", target("BTC/USD", 1), target("BTC/USD", 2)),
    bad_target("The percentages must not sum to more than 100", target("A", 60), target("B", 40.1)),
    Case(
        "portfolio.rebalance",
        "no list",
        post(REBALANCE, {"x": 1}),
        400,
        {
            "error": "Invalid target allocations",
            "details": ["target_allocations must be a non-empty list"],
        },
    ),
    *outages("portfolio.rebalance", rebalance(*EXAMPLE_TARGETS), WITHOUT, FAILED),
]

CASES = [*ALLOCATIONS, *PLANS]
