"""Shapes of order books of several exchanges."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field

from fastapi_app.market.schemas import LevelOut, OrderBookOut
from fastapi_app.schemas import Number, Wire
from shared_services.orderbook.model import VenueBook


def _is_empty(errors: Mapping[str, str]) -> bool:
    return not errors


class VenueBookOut(OrderBookOut):
    exchange: str

    @classmethod
    def of(cls, value: VenueBook) -> Self:
        book = OrderBookOut.model_validate(value.book)
        return cls(exchange=value.exchange, **dict(book))


class MergedLevelOut(LevelOut):
    exchanges: dict[str, Number]


class MergedBookOut(Wire):
    symbol: str
    bids: list[MergedLevelOut]
    asks: list[MergedLevelOut]
    exchanges: list[str]
    errors: dict[str, str] = Field(exclude_if=_is_empty)
    crossed: bool
    timestamp: int
