"""Query parameters that several routes read."""

import re
from typing import Final

from shared_services.errors import InvalidQuery

_INTEGER: Final = re.compile(r"\s*([+-]?)([0-9]+)\s*", re.ASCII)


def parse_limit(text: str | None, default: int, cap: int) -> int:
    """The `limit` of a list: absent is `default`, above `cap` is cut to `cap`.

    Raises InvalidQuery if it is not an integer or below 1.
    """
    if text is None:
        return default
    match = _INTEGER.fullmatch(text)
    digits = "" if match is None or match[1] == "-" else match[2].lstrip("0")
    if not digits:
        raise InvalidQuery("Invalid limit: must be a positive integer")
    longer = len(digits) > len(str(cap))  # int() refuses 4 300 digits and more
    return cap if longer else min(int(digits), cap)


def require(name: str, text: str | None) -> str:
    """The value of a parameter that must be there; raises InvalidQuery if it is absent or empty."""
    if not text:
        raise InvalidQuery(f"Missing required '{name}' query parameter")
    return text
