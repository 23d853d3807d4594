"""How a value is written into a plan: short plain numbers, quotes where YAML needs them. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z][\w./:*{}-]*(?: [\w./*{-][\w./:*{}-]*)*")
_OTHER: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_DIGITS: Final = 12  # of a float that are no artefact: 0.1 + 0.2 is 0.3


def plain(value: object) -> object:
    """The value as YAML reads it back once it is written. Raises TypeError for what no plan has."""
    match value:
        case None | bool() | int() | date():
            return value
        case float() | Decimal():
            return _number(value)
        case str():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case Sequence():
            return [plain(item) for item in value]
    raise TypeError(f"{value!r} cannot be written into a plan")


def written(value: object, *, flow: bool = False) -> str:
    """One line of YAML for what `plain` gave; `flow`: to stand within brackets."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case float():
            return format(Decimal(repr(value)), "f")
        case str():
            return _text(value, flow=flow)
        case Mapping():
            pairs = (
                f"{_text(key, flow=True)}: {written(v, flow=True)}" for key, v in value.items()
            )
            return f"{{{', '.join(pairs)}}}"
        case list():
            return f"[{', '.join(written(item, flow=True) for item in value)}]"
    return str(value)


def _number(value: float | Decimal) -> object:
    exact = value if isinstance(value, Decimal) else Decimal(f"{value:.{_DIGITS}g}")
    if not exact.is_finite():
        return str(value)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _text(value: str, *, flow: bool) -> str:
    unquoted = _PLAIN.fullmatch(value) and ": " not in value and not value.endswith(":")
    if unquoted and value.lower() not in _OTHER and not (flow and re.search(r"[{}]", value)):
        return value
    escaped = (
        f"\\{letter}"
        if letter in '"\\'
        else letter
        if letter.isprintable()
        else f"\\U{ord(letter):08x}"
        for letter in value
    )
    return f'"{"".join(escaped)}"'
