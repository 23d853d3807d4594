"""What every family's schemas are made of."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer

from shared_services.symbols import to_trading
from shared_services.wire import number

Number = Annotated[Decimal, PlainSerializer(number, return_type=float)]
"""Exact inside, a JSON number on the wire."""

TradingSymbol = Annotated[str, AfterValidator(to_trading)]


class Wire(BaseModel):
    """Made from the attributes of what a service returns."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Error(Wire):
    """The envelope of every error that is not an HTML page; absent keys have no value."""

    error: str
    details: str | list[str] = ""
    message: str = ""
