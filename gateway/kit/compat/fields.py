"""What an endpoint's parameters become when their values are read as Flask's views read them.

FastAPI refuses what `args.get("n", type=int)` takes for absent, takes `5.0` for an int, `false` for
False and a blank field for a missing one. Each has its switch: a lenient int is a policy, a real
bool another. Parameters that a test overrides with `dependency_overrides` stay FastAPI's.

Inside a model of query or form parameters pydantic decides: declare `LenientInt`, `LenientFloat` or
`FlaskBool` there. A blank in a form model stays a missing one.
"""

from collections.abc import Callable, Collection
from copy import copy, deepcopy
from dataclasses import replace
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from fastapi import params
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, BeforeValidator, Json

from gateway.kit.compat.behaviours import Behaviour
from gateway.kit.compat.json import is_json
from gateway.kit.compat.reading import Malformed

Error = dict[str, Any]  # as pydantic writes it
Kind = type[int] | type[float] | type[bool]


def flask_fields(dependant: Dependant, wanted: Collection[Behaviour]) -> Dependant:
    """A copy of `dependant`, and of all it depends on, that takes what Flask takes."""
    kinds: set[Kind] = set()
    if Behaviour.NUMBERS in wanted:
        kinds |= {int, float}
    if Behaviour.BOOLEANS in wanted:
        kinds.add(bool)
    return replace(
        dependant,
        query_params=[_converted(field, kinds) for field in dependant.query_params],
        body_params=[_body(field, kinds, wanted) for field in dependant.body_params],
        dependencies=[flask_fields(other, wanted) for other in dependant.dependencies],
    )


def json_body(field: ModelField | None) -> bool:
    """Whether the body is read as JSON, and not as a form or as what it is."""
    if field is None or isinstance(field.field_info, params.Form):
        return False
    raw = bytes in members(field.field_info.annotation)
    return not raw and is_json(getattr(field.field_info, "media_type", "application/json"))


def members(annotation: Any) -> list[Any]:
    """The types of a union without None; the one type of anything else."""
    union = get_origin(annotation) in {Union, UnionType}
    members = get_args(annotation) if union else (annotation,)
    return [member for member in members if member is not type(None)]


def _lenient(kind: Kind) -> Callable[[object], object]:
    def convert(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return kind(value)
        except ValueError:
            return None

    return convert


LenientInt = Annotated[int | None, BeforeValidator(_lenient(int))]
"""What Python's `int()` takes, else None; as `args.get(name, type=int)`."""
LenientFloat = Annotated[float | None, BeforeValidator(_lenient(float))]
FlaskBool = Annotated[bool, BeforeValidator(_lenient(bool))]
"""True unless blank, so `false` is True; as `args.get(name, type=bool)`."""


class _Field(ModelField):
    """A field like another, with `validate` of its own."""

    def __init__(self, field: ModelField) -> None:
        vars(self).update(vars(field))

    @property
    def fallback(self) -> Any:
        return deepcopy(self.get_default())


class _Converted(_Field):
    """A scalar, or a list of them, as Werkzeug's `get` and `getlist` convert it."""

    def __init__(self, field: ModelField, kind: Kind) -> None:
        super().__init__(field)
        self.kind = kind

    def validate(
        self, value: Any, values: dict[str, Any] | None = None, *, loc: tuple[int | str, ...] = ()
    ) -> tuple[Any, list[Error]]:
        try:
            if isinstance(value, list):
                value = [one for one in map(_lenient(self.kind), value) if one is not None]
            elif isinstance(value, str):
                value = self.kind(value)
        except ValueError:
            if not self.field_info.is_required():
                return self.fallback, []
            return None, [_error(loc, f"{self.kind.__name__}_parsing")]
        return super().validate(value, values or {}, loc=loc)


class _FormValue(_Field):
    """A scalar of a form: FastAPI drops a blank one, but not from a list, so it asks for a list."""

    def __init__(self, field: ModelField) -> None:
        super().__init__(field)
        self.inner = field
        self.field_info = copy(field.field_info)
        self.field_info.annotation = list[Any]

    def validate(
        self, value: Any, values: dict[str, Any] | None = None, *, loc: tuple[int | str, ...] = ()
    ) -> tuple[Any, list[Error]]:
        first = value[0] if isinstance(value, list) and value else value
        return self.inner.validate(first, values or {}, loc=loc)


class _JsonBody(_Field):
    """A body, or a part of it, as `get_json()` gives it; absent, if it may be, with another type.

    FastAPI hands over the bytes of a body whose media type is another, also as data. What is no JSON
    is refused even if it may be absent: the views of `get_json(silent=True)` want `silent_json`.
    """

    def validate(
        self, value: Any, values: dict[str, Any] | None = None, *, loc: tuple[int | str, ...] = ()
    ) -> tuple[Any, list[Error]]:
        if isinstance(value, Malformed):
            return None, [_error(loc, "json_invalid")]
        if isinstance(value, bytes):
            required = self.field_info.is_required()
            return (None, [_error(loc, "missing")]) if required else (self.fallback, [])
        return super().validate(value, values or {}, loc=loc)


def _body(field: ModelField, kinds: Collection[Kind], wanted: Collection[Behaviour]) -> ModelField:
    if Behaviour.BODIES in wanted and json_body(field):
        return _JsonBody(field)
    if type(field.field_info) is not params.Form:
        return field
    converted = _converted(field, kinds)
    scalar = Behaviour.FORMS in wanted and _is_scalar(field)
    return _FormValue(converted) if scalar else converted


def _converted(field: ModelField, kinds: Collection[Kind]) -> ModelField:
    types = members(field.field_info.annotation)
    if len(types) != 1:
        return field
    (kind,) = get_args(types[0]) if get_origin(types[0]) is list else types
    return next((_Converted(field, one) for one in kinds if kind is one), field)


def _is_scalar(field: ModelField) -> bool:
    if any(type(item) is Json for item in field.field_info.metadata):
        return False
    return not any(
        get_origin(member) is not None or _is_model(member) or member in {list, set, tuple}
        for member in members(field.field_info.annotation)
    )


def _is_model(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)


def _error(loc: tuple[int | str, ...], kind: str) -> Error:
    return {"type": kind, "loc": loc, "msg": "Not what the parameter takes", "input": None}
