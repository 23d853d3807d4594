"""One rule in the trie, and what its variables make of a path: whatever a plan says. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from unicodedata import decimal

from gateway.door.rules import VARIABLE, Converter, DoorRule, Turn
from gateway.routes import Route

_INT_DIGITS: Final = 4300  # the longest text that `int` takes (sys.get_int_max_str_digits)
_NUMBERS: Final = frozenset({"int", "float"})


class Matched(NamedTuple):
    """A route, and the path to ask modern for, where it is spelled differently than the client did."""

    route: Route
    path: str = ""


class Entry:
    """A rule, and its number among those of the trie."""

    def __init__(self, rule: DoorRule, number: int = 0) -> None:
        self.rule = rule
        self.number = number
        self.methods = rule.methods
        self.strict = rule.strict_slashes
        converters = [converter for _, converter in rule.variables()]
        self.literal = not converters
        self._numeric = any(one.kind in _NUMBERS for one in converters)
        # A path that fits may still be none of the rule's.
        self.checked = bool(rule.turns) or any(
            one.digits or one.minimum is not None or one.maximum is not None for one in converters
        )
        self.simple = self.strict and not self.checked and not self._numeric
        self.simple_in_ascii = self.strict and not self.checked
        # A variable at the end takes slashes as its own text.
        self._open_ended = rule.template.endswith("}") and not converters[-1].isolating
        self._pattern: re.Pattern[str] | None = None

    def match(self, method: str, path: str, known: Mapping[str, Matched]) -> Matched | None:
        """Which of the rule's routes, known by method, a path that fits has reached."""
        matched = known.get(method) or known.get("*")
        if matched is None or self.simple:
            return matched
        if self.simple_in_ascii and path.isascii() and len(path) <= _INT_DIGITS:
            return matched
        if matched.route.own:
            return matched if self.converts(path) else None
        if not self.accepts(path):
            return None
        return Matched(matched.route, self.canonical(path))

    def accepts(self, path: str) -> bool:
        """Whether the converters take the values of a path that fits, and none of them is redirected."""
        return self.converts(path) and self.turn(path) is None

    def converts(self, path: str) -> bool:
        """Whether every value is within its converter's bounds."""
        return all(_takes(converter, text) for _, converter, text in self._values(path))

    def turn(self, path: str) -> Turn | None:
        """The redirect that the rule makes of this path."""
        if not self.rule.turns:
            return None
        values = self.values(path)
        for turn in self.rule.turns:
            if turn.values.items() <= values.items():
                return turn
        return None

    def values(self, path: str) -> dict[str, str]:
        """The variables, spelled as the rule's own URL has them."""
        return {name: _canonical(one, text) for name, one, text in self._values(path)}

    def canonical(self, path: str) -> str:
        """The path as modern's template has it: ASCII digits, a slash at its end where the rule has one."""
        if not self.strict and not self._open_ended:
            ends = self.rule.template.endswith("/")
            path = f"{path.rstrip('/')}/" if ends else path.rstrip("/")
        if not self._numeric or path.isascii():
            return path
        found = self._expression.match(path)
        for number, (_, one) in reversed(list(enumerate(self.rule.variables(), 1))):
            if found is not None and one.kind in _NUMBERS:
                path = (
                    path[: found.start(number)] + _ascii(found[number]) + path[found.end(number) :]
                )
        return path

    def _values(self, path: str) -> Iterator[tuple[str, Converter, str]]:
        found = self._expression.match(path)
        for number, (name, converter) in enumerate(self.rule.variables(), 1):
            if found is not None:
                yield name, converter, found[number]

    @property
    def _expression(self) -> re.Pattern[str]:
        if self._pattern is None:
            self._pattern = self._compiled()
        return self._pattern

    def _compiled(self) -> re.Pattern[str]:
        """The whole path, with a group for each variable and for nothing else."""
        text, at, template = "", 0, self.rule.template.rstrip("/")
        for found in VARIABLE.finditer(template):
            converter = self.rule.converter(found["name"], found["kind"])
            text += f"{re.escape(template[at : found.start()])}({_without_groups(converter.regex)})"
            at = found.end()
        end = "" if self._open_ended else "(?<!/)/?"
        return re.compile(rf"{text}{re.escape(template[at:])}{end}\Z")


def _without_groups(regex: str) -> str:
    """A converter's own groups would shift those of the variables after it."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", regex)


def _takes(converter: Converter, text: str) -> bool:
    if converter.kind not in _NUMBERS:
        return True
    if converter.digits and len(text) != converter.digits:
        return False
    if converter.kind == "int" and len(text) > _INT_DIGITS:
        return False
    number = _number(converter, text)
    least, most = converter.minimum, converter.maximum
    return (least is None or number >= least) and (most is None or number <= most)


def _canonical(converter: Converter, text: str) -> str:
    if converter.kind in _NUMBERS and _takes(converter, text):
        return str(_number(converter, text)).zfill(converter.digits)
    return text.lower() if converter.kind == "uuid" else text


def _number(converter: Converter, text: str) -> int | float:
    return int(text) if converter.kind == "int" else float(text)


def _ascii(text: str) -> str:
    """Digits of other scripts as ASCII ones: `٣` is 3 to Flask, and no number to pydantic."""
    return "".join(c if c.isascii() else str(decimal(c)) for c in text)
