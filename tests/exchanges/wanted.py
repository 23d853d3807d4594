"""Orders for the tests, and an exchange that says what a test wants."""

from decimal import Decimal
from typing import Any, cast

from shared_services.exchange.model import OrderRequest, OrderType, Side
from shared_services.exchange.port import ExchangePort

SYMBOL = "TESTBTC/TESTUSD"


def request(
    side: Side = Side.BUY,
    amount: str = "0.01",
    price: str | None = None,
    *,
    client_id: str = "client-1",
) -> OrderRequest:
    return OrderRequest(
        client_id=client_id,
        symbol=SYMBOL,
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        side=side,
        amount=Decimal(amount),
        price=None if price is None else Decimal(price),
    )


def answering(exchange: ExchangePort, **answers: object) -> ExchangePort:
    """`exchange`, but the methods named in `answers` answer with that."""

    class Answering:
        def __getattr__(self, name: str) -> Any:
            if name not in answers:
                return getattr(exchange, name)

            async def answer(*_args: object) -> object:
                return answers[name]

            return answer

    return cast("ExchangePort", Answering())
