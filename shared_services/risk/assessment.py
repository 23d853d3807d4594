"""How risky positions and accounts are. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from shared_services.exchange.model import ExchangeOrder, Side
from shared_services.ledger.model import Account
from shared_services.risk.model import (
    NO_POSITIONS,
    AccountRisk,
    GivenPosition,
    PositionsRisk,
    RiskParameters,
)
from shared_services.symbols import pricing_symbol, usd_symbol

HIGH: Final = "high"
UNKNOWN: Final = 0.5  # the score of a position that nobody has an opinion of

_TOLERANCE: Final = 1e-9
_LEVELS: Final = ((0.2, "very_low"), (0.4, "low"), (0.6, "moderate"), (0.8, "high"))


def level_of(score: float) -> str:
    """In five steps, each up to but not including its bound."""
    return next((level for bound, level in _LEVELS if score < bound - _TOLERANCE), "very_high")


def of_positions(
    positions: Sequence[GivenPosition], limits: RiskParameters, daily_pnl: Decimal
) -> PositionsRisk:
    """The risk of given positions by their scores."""
    if not positions:
        return NO_POSITIONS
    scores = {one.symbol: one.risk_score for one in positions}
    mean, worst = sum(scores.values()) / len(scores), max(scores.values())
    return PositionsRisk(
        overall_risk_score=mean,
        risk_level="low" if _below(mean, 0.3) else "medium" if _below(mean, 0.6) else HIGH,
        recommendations=tuple(_recommended(mean, worst, len(scores), limits.max_open_positions)),
        scores=scores,
        max_position_risk_score=worst,
        total_exposure=sum((one.size * one.entry_price for one in positions), Decimal(0)),
        daily_pnl=daily_pnl,
    )


def is_crowded(account: Account, limits: RiskParameters) -> bool:
    """Whether the account's positions are at high risk: nobody has an opinion of them."""
    positions = [
        GivenPosition(f"{place}", Decimal(0), Decimal(0), UNKNOWN)
        for place in range(account.position_count)
    ]
    return of_positions(positions, limits, account.daily_result).risk_level == HIGH


def of_account(
    account: Account,
    orders: Sequence[ExchangeOrder],
    prices: Mapping[str, Decimal],
    limits: RiskParameters,
) -> AccountRisk:
    """With `prices` of the symbols of open orders to sell."""
    positions = notionals(account)
    exposure = sum((abs(value) for _, value in positions), Decimal(0)) + sum(
        (one.remaining * _worth(one, prices) for one in orders), Decimal(0)
    )
    symbols = {symbol for symbol, _ in positions} | {pricing_symbol(one.symbol) for one in orders}
    largest = max((abs(value) for _, value in positions), default=Decimal(0))
    concentration = float(largest / exposure) if exposure else 0.0
    filled = account.position_count / limits.max_open_positions
    lost = float(-account.daily_result / account.value) if account.value > 0 else 0.0
    allowed = float(limits.max_daily_loss) / 100
    points = (
        _points(concentration, (0.5, 2), (0.3, 1))
        + _points(filled, (0.8, 2), (0.5, 1))
        + _points(lost, (0.7 * allowed, 3), (0.4 * allowed, 2), (0.2 * allowed, 1))
    )
    return AccountRisk(
        portfolio_value=account.value,
        total_exposure=exposure,
        daily_pnl=account.daily_result,
        daily_pnl_pct=-lost if lost else 0.0,
        position_count=account.position_count,
        positions_vs_max=filled,
        symbol_count=len(symbols),
        concentration_risk=concentration,
        risk_level=_account_level(points),
        timestamp=account.timestamp,
    )


def notionals(account: Account) -> list[tuple[str, Decimal]]:
    """What each position is worth, by symbol without the test prefix."""
    held = [(usd_symbol(one.currency), one.amount * one.last_price) for one in account.holdings]
    borrowed = [(pricing_symbol(one.symbol), one.notional) for one in account.margin_positions]
    return held + borrowed


def _worth(order: ExchangeOrder, prices: Mapping[str, Decimal]) -> Decimal:
    """Of one unit: a seller may get more than the limit."""
    if order.side is Side.BUY and order.price is not None:
        return order.price
    return max(order.price or Decimal(0), prices[order.symbol])


def _below(value: float, bound: float) -> bool:
    """What is within the tolerance of a bound counts as equal to it."""
    return value < bound - _TOLERANCE


def _points(value: float, *steps: tuple[float, int]) -> int:
    return next((points for bound, points in steps if value > bound + _TOLERANCE), 0)


def _account_level(points: int) -> str:
    for least, level in ((5, "critical"), (3, "high"), (1, "moderate")):
        if points >= least:
            return level
    return "low"


def _recommended(mean: float, worst: float, count: int, most: int) -> Iterable[str]:
    if worst > 0.8 + _TOLERANCE:
        yield "Consider closing high-risk positions"
    if mean > 0.6 + _TOLERANCE:
        yield "Portfolio risk is elevated - reduce position sizes"
    if count > 0.8 * most:
        yield "Approaching maximum position limit"
