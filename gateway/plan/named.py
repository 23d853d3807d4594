"""Words of a plan that belong to a closed set: a wrong one is told with the nearest right one."""

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import BeforeValidator


def one_of(words: Sequence[str], kind: str) -> BeforeValidator:
    """Takes one of `words`, which are two or more; `kind` is what the error calls them."""
    known = f"{', '.join(words[:-1])} or {words[-1]}"

    def checked(value: object) -> object:
        if value in words:
            return value
        near = get_close_matches(str(value), words, 1, cutoff=0.0)
        raise ValueError(f"{value!r} is no {kind}: {known}; nearest: {near[0]}")

    return BeforeValidator(checked)
