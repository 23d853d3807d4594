"""What the account is worth and what it cost. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from shared_services.exchange.model import Balance, MarginPosition, Side
from shared_services.symbols import CASH, pricing_currency

_PRICE_DECIMALS = 12
_MONEY_DECIMALS = 8


@dataclass(frozen=True, slots=True)
class Basis:
    """A signed amount and its average cost, without fees."""

    amount: Decimal
    average: Decimal

    def after(self, side: Side, amount: Decimal, price: Decimal) -> tuple["Basis", Decimal]:
        """The basis after a fill, and what the fill realised.

        A fill that adds moves the average and realises nothing. One that reduces keeps it; what is
        left of a fill that turns the position round starts anew at its price.
        """
        signed = amount if side is Side.BUY else -amount
        total = self.amount + signed
        if self.amount * signed >= 0:
            cost = self.amount * self.average + signed * price
            average = round(cost / total, _PRICE_DECIMALS) if total else price
            return Basis(total, average), Decimal(0)
        closed = min(amount, abs(self.amount))
        gain = price - self.average if self.amount > 0 else self.average - price
        turned = self.amount * total < 0
        return Basis(total, price if turned else self.average), round(
            gain * closed, _MONEY_DECIMALS
        )


@dataclass(frozen=True, slots=True)
class Holding:
    """A currency that is not cash; prices in USD."""

    currency: str
    amount: Decimal
    entry_price: Decimal
    last_price: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    """Everything the account held at `timestamp` (ms). `daily_result` is that of the UTC day.

    `balances` are what cash and holdings were read from. `booked`: this look found fills that nobody
    had found before.
    """

    cash: Decimal
    holdings: tuple[Holding, ...]
    margin_positions: tuple[MarginPosition, ...]
    daily_result: Decimal
    timestamp: int
    balances: tuple[Balance, ...] = ()
    booked: bool = False

    @property
    def available(self) -> Decimal:
        """Cash that no order has reserved."""
        return free_cash(self.balances)

    @property
    def value(self) -> Decimal:
        """The portfolio value in USD."""
        return self.cash + sum((one.amount * one.last_price for one in self.holdings), Decimal(0))

    @property
    def position_count(self) -> int:
        return len(self.holdings) + len(self.margin_positions)

    def held(self, currency: str) -> Decimal:
        """The signed amount of `currency` over all positions; shorts are negative."""
        held = [one.amount for one in self.holdings if one.currency == currency]
        borrowed = [
            one.amount if one.side == "long" else -one.amount
            for one in self.margin_positions
            if one.symbol.split("/")[0] == currency
        ]
        return sum(held + borrowed, Decimal(0))

    def held_at_price_of(self, symbol: str) -> Decimal:
        """As `held`, over everything with the price of `symbol`: BTC and TESTBTC together."""
        base = pricing_currency(symbol.split("/", maxsplit=1)[0])
        currencies = {one.currency for one in self.holdings} | {
            one.symbol.split("/")[0] for one in self.margin_positions
        }
        return sum(
            (self.held(one) for one in currencies if pricing_currency(one) == base), Decimal(0)
        )


def free_cash(balances: Iterable[Balance]) -> Decimal:
    """What no order has reserved."""
    return sum((one.available for one in balances if one.currency in CASH), Decimal(0))


class Accounts(Protocol):
    """What other families use of the ledger."""

    async def account(self) -> Account:
        """The account now, every fill booked; raises ExchangeError."""
        ...
