"""What every family's schemas are made of."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.json_schema import SkipJsonSchema

from shared_services.symbols import to_trading
from shared_services.wire import as_stored, iso_n, iso_o, iso_z, number

Number = Annotated[Decimal, PlainSerializer(number, return_type=float)]
"""Exact inside, a JSON number on the wire."""

Stored = Annotated[bool | int | Decimal | str | None, PlainSerializer(as_stored)]
"""A value of the configuration, as it is stored."""

Absent = SkipJsonSchema[None]
"""For what is left out when it has no value: never null on the wire, and so not in the schema."""

IsoN = Annotated[str, BeforeValidator(iso_n)]
IsoO = Annotated[str, BeforeValidator(iso_o)]
IsoZ = Annotated[str, BeforeValidator(iso_z)]
"""Stamps, from ms since 1970 UTC."""

TradingSymbol = Annotated[str, AfterValidator(to_trading)]


class Wire(BaseModel):
    """Made from the attributes of what a service returns."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Error(Wire):
    """The envelope of every error that is not an HTML page."""

    error: str
    details: str | list[str] | Absent = None
    message: str | Absent = None
