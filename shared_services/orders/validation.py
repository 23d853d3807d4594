"""The body of an order request, checked. Pure."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from shared_services.errors import InvalidOrder
from shared_services.exchange.model import OrderType, PositionType, Side
from shared_services.numbers import decimal_of
from shared_services.orders.model import OrderCommand, Submission

_REQUIRED: Final = ("symbol", "order_type", "side", "amount")
_VISIBLE_ASCII: Final = re.compile(r"[!-~]{1,255}")

E = TypeVar("E", bound=StrEnum)


def parse(body: Mapping[str, object], header_key: str | None) -> Submission:
    """The order in `body`; `header_key` is the header `Idempotency-Key`.

    Blanks around the header are no part of it (RFC 9110, 5.5): some servers leave them.
    Raises InvalidOrder with every message that applies, in the order of the contract.
    """
    header_key = None if header_key is None else header_key.strip(" \t")
    form = _Form(body)
    command = _command(form)
    client_order_id = _client_order_id(form, header_key)
    if form.messages:
        raise InvalidOrder("Invalid order data", details=tuple(form.messages))
    key = client_order_id if header_key is None else header_key
    return Submission(command, client_order_id, key)


class _Form:
    """Reads one field after another and collects what is wrong with them.

    A field that is wrong reads as some value of its type: nobody sees it, for `parse` raises.
    """

    def __init__(self, body: Mapping[str, object]) -> None:
        self._body = body
        self.messages = [
            f"Missing required field: {name}" for name in _REQUIRED if name not in body
        ]

    def has(self, name: str) -> bool:
        """Whether the field has a value; a required one that is `null` has, a wrong one."""
        return name in self._body and (name in _REQUIRED or self._body[name] is not None)

    def value(self, name: str) -> object:
        return self._body.get(name)

    def text(self, name: str, message: str) -> str:
        value = self.value(name)
        if isinstance(value, str) and value:
            return value
        self.complain(name, message)
        return ""

    def word(self, name: str, words: type[E], message: str) -> E:
        value = self.value(name)
        if isinstance(value, str) and value in set(words):
            return words(value)
        self.complain(name, message)
        return next(iter(words))

    def positive(self, name: str, number: str, positive: str) -> Decimal:
        """`number` and `positive` are what the two messages call the field."""
        value = decimal_of(self.value(name))
        if value is None:
            self.complain(name, f"{number} must be a number")
        elif value <= 0:
            self.complain(name, f"{positive} must be positive")
        return value or Decimal(0)

    def complain(self, name: str, message: str) -> None:
        if self.has(name):
            self.messages.append(message)


def _command(form: _Form) -> OrderCommand:
    # The order of the arguments is the order of the messages.
    return OrderCommand(
        symbol=form.text("symbol", "Symbol must be a string"),
        type=form.word("order_type", OrderType, "Order type must be 'market' or 'limit'"),
        side=form.word("side", Side, "Side must be 'buy' or 'sell'"),
        amount=form.positive("amount", "Amount", "Amount"),
        price=_price(form),
        leverage=_optional(form, "leverage", "Leverage") or Decimal(1),
        stop_loss=_optional(form, "stop_loss", "Stop loss"),
        take_profit=_optional(form, "take_profit", "Take profit"),
        position_type=_position_type(form),
    )


def _price(form: _Form) -> Decimal | None:
    """The limit; a market order has none, whatever was sent."""
    if form.value("order_type") != OrderType.LIMIT:
        return None
    if not form.has("price"):
        form.messages.append("Price is required for limit orders")
        return None
    return form.positive("price", "Price", "Price")


def _optional(form: _Form, name: str, label: str) -> Decimal | None:
    return form.positive(name, name, label) if form.has(name) else None


def _position_type(form: _Form) -> PositionType:
    if not form.has("position_type"):
        return PositionType.SPOT
    return form.word("position_type", PositionType, "Position type must be 'spot' or 'margin'")


def _client_order_id(form: _Form, header_key: str | None) -> str | None:
    sent = form.value("client_order_id")
    keys = [key for key in (header_key, sent) if key is not None]
    if not all(isinstance(key, str) and _VISIBLE_ASCII.fullmatch(key) for key in keys):
        form.messages.append("Idempotency key must be 1 to 255 visible ASCII characters")
    if len(keys) == 2 and keys[0] != keys[1]:
        form.messages.append("Idempotency-Key and client_order_id differ")
    return sent if isinstance(sent, str) else None
