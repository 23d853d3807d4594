"""Section 5.10: the short simulation, and the risk of given positions."""

from dataclasses import replace
from typing import Any

from tests.contract.case import JSON, Case, get
from tests.contract.cases.strategy import NOW, VERSION, post
from tests.contract.prices import V60_ROWS
from tests.contract.world import NO_EXCHANGE
from tests.drive import Request

SIMULATE, RISK = "/api/strategy/backtest", "/api/strategy/portfolio-risk"


def simulate(strategy: object = "rsi", data: object = V60_ROWS, **more: object) -> Request:
    return post(SIMULATE, {"strategy": strategy, "data": data} | more)


SIMULATED: dict[str, Any] = {
    "avg_trade_profit": 0.0,
    "backtest_period": 10,
    "final_balance": 10000.0,
    "initial_balance": 10000.0,
    "open_positions": 0,
    "parameters": {},
    "probability_framework": "enabled",
    "profitable_trades": 0,
    "strategy": "rsi",
    "total_profit": 0.0,
    "total_return_pct": 0.0,
    "total_trades": 0,
    "win_rate": 0.0,
}


def bad_simulation(error: str, request: Request, *details: str) -> Case:
    body: dict[str, Any] = {"error": error} | ({"details": list(details)} if details else {})
    return Case(
        "strategy.backtest",
        f"refused: {error} {details} {request.body[-60:]!r}",
        request,
        400,
        body,
    )


SIMULATIONS = [
    Case("strategy.backtest", "V60", simulate(), 200, SIMULATED),
    Case(
        "strategy.backtest",
        "nothing is bought on a signal that is not sure enough",
        simulate(
            "ema_crossover", parameters={"fast_period": 3, "slow_period": 5}, initial_balance=100
        ),
        200,
        SIMULATED
        | {
            "strategy": "ema_crossover",
            "parameters": {"fast_period": 3, "slow_period": 5},
            "initial_balance": 100.0,
            "final_balance": 100.0,
        },
    ),
    bad_simulation("Unknown strategy: None", post(SIMULATE, {})),
    bad_simulation("Unknown strategy: None", simulate(None)),
    bad_simulation("Unknown strategy: nope", simulate("nope")),
    bad_simulation("No price data provided", simulate(data=[])),
    bad_simulation("No price data provided", post(SIMULATE, {"strategy": "rsi"})),
    bad_simulation(
        "Data must contain columns: ['open', 'high', 'low', 'close']", simulate(data=[{"close": 1}])
    ),
    bad_simulation(
        "Insufficient data: need at least 51 data points, got 40", simulate(data=V60_ROWS[:40])
    ),
    bad_simulation(
        "Insufficient data: need at least 51 data points, got 50", simulate(data=V60_ROWS[:50])
    ),
    bad_simulation(
        "Insufficient data: need at least 62 data points, got 60",
        simulate(parameters={"rsi_period": 60}),
    ),
    bad_simulation(
        "Invalid parameters", simulate(initial_balance=0), "initial_balance must be above 0"
    ),
    bad_simulation(
        "Invalid parameters", simulate(initial_balance="10"), "initial_balance must be above 0"
    ),
    bad_simulation("Invalid parameters", simulate(parameters=[1]), "parameters must be an object"),
    bad_simulation(
        "Invalid parameters",
        simulate(parameters={"rsi_period": 1}, initial_balance=-1),
        "rsi_period must be an integer between 2 and 500",
        "initial_balance must be above 0",
    ),
    bad_simulation(
        "Invalid parameters",
        replace(simulate(), body=simulate(parameters={"x": 7}).body.replace(b": 7", b": 1e400")),
        "parameters must hold finite numbers only",
    ),
]

NO_POSITIONS = {
    "assessment_timestamp": NOW,
    "framework_version": VERSION,
    "portfolio_risk_assessment": {
        "overall_risk_score": 0.0,
        "recommendations": ["No open positions"],
        "risk_level": "none",
    },
}


def risk(positions: object) -> Request:
    return post(RISK, {"positions": positions})


def assessed(
    scores: dict[str, float], level: str, *recommendations: str, **more: object
) -> dict[str, Any]:
    return NO_POSITIONS | {
        "portfolio_risk_assessment": {
            "daily_pnl": 0.0,
            "max_position_risk_score": max(scores.values()),
            "overall_risk_score": sum(scores.values()) / len(scores),
            "position_count": len(scores),
            "position_risks": {name: {"risk_score": score} for name, score in scores.items()},
            "recommendations": list(recommendations),
            "risk_level": level,
            "total_exposure": 0.0,
        }
        | more
    }


SURE = {"probability_buy": 1, "probability_sell": 0, "probability_hold": 0, "confidence": 1}
RISKY = {"probability_buy": 0.1, "probability_sell": 0.1, "confidence": 0.5}
EMPTY_BODIES: list[dict[str, object]] = [{}, {"positions": {}}, {"positions": None}, {"x": 1}]
POSITIONS = [
    Case(
        "strategy.portfolio-risk",
        "the example, with the booked result of the day",
        risk({"BTC/USD": {"size": 0.05, "entry_price": 38000}}),
        200,
        assessed({"BTC/USD": 0.5}, "medium", daily_pnl=-1.9, total_exposure=1900.0),
        before=(get("/api/positions"),),
    ),
    *(
        Case(
            "strategy.portfolio-risk", f"no positions: {body}", post(RISK, body), 200, NO_POSITIONS
        )
        for body in EMPTY_BODIES
    ),
    Case(
        "strategy.portfolio-risk",
        "what is missing is assumed",
        risk({"A": {}}),
        200,
        assessed({"A": 0.5}, "medium"),
    ),
    Case(
        "strategy.portfolio-risk",
        "also of probabilities",
        risk({"A": {"probability_data": {}}}),
        200,
        assessed(
            {"A": 1 - 0.5 * 0.33},
            "high",
            "Consider closing high-risk positions",
            "Portfolio risk is elevated - reduce position sizes",
        ),
    ),
    Case(
        "strategy.portfolio-risk",
        "low",
        risk({"A": {"probability_data": SURE, "size": -2, "entry_price": 3}}),
        200,
        assessed({"A": 0.0}, "low", total_exposure=-6.0),
    ),
    Case(
        "strategy.portfolio-risk",
        "the mean decides the level, the worst what to do",
        risk({"A": {"probability_data": SURE}, "B": {"probability_data": RISKY}}),
        200,
        assessed({"A": 0.0, "B": 0.95}, "medium", "Consider closing high-risk positions"),
    ),
    Case(
        "strategy.portfolio-risk",
        "nearly as many as are allowed",
        risk({name: {} for name in "ABCDE"}),
        200,
        assessed(dict.fromkeys("ABCDE", 0.5), "medium", "Approaching maximum position limit"),
    ),
    *(
        Case(
            "strategy.portfolio-risk",
            f"refused: {positions}",
            risk(positions),
            400,
            {"error": "positions must be an object of position objects"},
        )
        for positions in ([1], "x", 7, {"A": 1}, {"A": None})
    ),
    *(
        Case("strategy.portfolio-risk", f"refused: {error}", risk(positions), 400, {"error": error})
        for positions, error in [
            ({"A": {"size": "1"}}, "A: size must be a number"),
            ({"A": {"size": 1}, "B": {"entry_price": True}}, "B: entry_price must be a number"),
            ({"A": {"probability_data": 1}}, "A: probability_data must be an object"),
            ({"A": {"probability_data": {"confidence": "x"}}}, "A: confidence must be a number"),
            (
                {"A": {"size": 1e200, "entry_price": 1e200}},
                "positions: the total exposure must be a finite number",
            ),
        ]
    ),
    Case(
        "strategy.portfolio-risk",
        "no body",
        Request("POST", RISK, JSON),
        400,
        {"error": "Missing JSON body"},
    ),
    Case(
        "strategy.portfolio-risk",
        "asks no exchange",
        risk({}),
        200,
        NO_POSITIONS,
        world=NO_EXCHANGE,
    ),
]

CASES = [*SIMULATIONS, *POSITIONS]
