"""Balances, positions and limitations."""

from fastapi_app.balances import BalanceOut
from fastapi_app.limitations import LimitationsOut
from fastapi_app.positions import PositionOut
from legacy_flask.wire import account as wire
from shared_services.exchange.model import Balance, Limitations
from shared_services.positions.model import Position
from tests.contract.shape import Pair, built

PAIRS = {
    "balance": Pair(wire.balance, BalanceOut, built(Balance)),
    "position": Pair(wire.position, PositionOut, built(Position)),
    "limitations": Pair(wire.limitations, LimitationsOut, built(Limitations)),
}
