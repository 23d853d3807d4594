"""What every family's schemas are made of."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer
from pydantic.json_schema import SkipJsonSchema

from shared_services.symbols import to_trading
from shared_services.wire import number

Number = Annotated[Decimal, PlainSerializer(number, return_type=float)]
"""Exact inside, a JSON number on the wire."""

Absent = SkipJsonSchema[None]
"""For what is left out when it has no value: never null on the wire, and so not in the schema."""

TradingSymbol = Annotated[str, AfterValidator(to_trading)]


class Wire(BaseModel):
    """Made from the attributes of what a service returns."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Error(Wire):
    """The envelope of every error that is not an HTML page."""

    error: str
    details: str | list[str] | Absent = None
    message: str | Absent = None
