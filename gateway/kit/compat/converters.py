"""Parameters of a path take what Werkzeug's converters of their kind take, and nothing else.

FastAPI matches any text and judges it later: it refuses with 422 what Flask knows as no path, and
takes ids that no Flask view ever got: to pydantic `-1`, ` 5`, `1_000` and `5.0` are ints, and `nan`
is a float. What another route may match is left to it. May go with the Flask app's clients.

A parameter that the path spells out, `{number:str}`, stays FastAPI's, as does one with a convertor
of the app's own: that is the way for `int(signed=True)`.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from fastapi.dependencies.models import Dependant
from starlette.convertors import (
    Convertor,
    FloatConvertor,
    IntegerConvertor,
    PathConvertor,
    StringConvertor,
    UUIDConvertor,
)
from starlette.exceptions import HTTPException
from werkzeug import routing

from gateway.kit.compat.fields import members

Convertors = dict[str, Convertor[Any]]

_NAMED: dict[type[Convertor[Any]], type[routing.BaseConverter]] = {
    IntegerConvertor: routing.IntegerConverter,
    FloatConvertor: routing.FloatConverter,
    PathConvertor: routing.PathConverter,
    UUIDConvertor: routing.UUIDConverter,
}
_DECLARED: dict[Any, type[routing.BaseConverter]] = {
    int: routing.IntegerConverter,
    float: routing.FloatConverter,
    UUID: routing.UUIDConverter,
}
_NUMBERS = {routing.IntegerConverter, routing.FloatConverter}


def flask_path(route: Any) -> tuple[re.Pattern[str], Convertors]:
    """The pattern and the convertors for an APIRoute, or for the context of an included one."""
    text: str = route.path_regex.pattern.removesuffix("$") + r"\Z"  # `$` forgives a line feed
    convertors: Convertors = dict(route.param_convertors)
    for name, plain in route.param_convertors.items():
        converter = _converter(route, name, plain)
        if converter is not None:
            given, wanted = (f"(?P<{name}>{regex})" for regex in (plain.regex, converter.regex))
            text = text.replace(given, wanted)
        if converter in _NUMBERS:
            convertors[name] = _Number(plain)
    return re.compile(text), convertors


class _Number(Convertor[Any]):
    """`plain` for digits of any script, which `int` reads and pydantic does not."""

    def __init__(self, plain: Convertor[Any]) -> None:
        self._plain = plain

    def convert(self, value: str) -> Any:
        digits = "".join(str(int(one)) if one.isdecimal() else one for one in value)
        try:
            return self._plain.convert(digits)
        except ValueError as error:  # more digits than `int` takes (CVE-2020-10735)
            raise HTTPException(404) from error

    def to_string(self, value: Any) -> str:
        return self._plain.to_string(value)


def _converter(route: Any, name: str, plain: Convertor[Any]) -> type[routing.BaseConverter] | None:
    if type(plain) is not StringConvertor:
        return _NAMED.get(type(plain))
    if f"{{{name}:" in route.path:
        return None
    declared = (_DECLARED.get(kind) for kind in _declared(route.dependant, name))
    return next(filter(None, declared), None)


def _declared(dependant: Dependant, name: str) -> Iterator[Any]:
    """The types of a parameter, which a dependency may take as well."""
    for field in dependant.path_params:
        if field.alias == name:
            yield from members(field.field_info.annotation)
    for other in dependant.dependencies:
        yield from _declared(other, name)
