"""Two JSON values, place by place. Pure; as deep as Python reads JSON, without recursion of its own."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gateway.shadow.difference import ABSENT, Difference, Json, Kind
from gateway.shadow.formats import same_format, type_of

_WORK: Final = 1 << 22  # characters of lists that are written out to know them in another order
_VALUES: Final = frozenset({Kind.VALUE, Kind.LENGTH, Kind.ORDER})

_Pair: TypeAlias = (
    "tuple[str, Json, Json, bool]"  # path, both values, whether they are a pair for sure
)


def walk(expected: Json, got: Json) -> Iterator[Difference]:
    """Every difference between two documents, at `/key/*/key`; the document itself is `body`."""
    return _Walk().run(expected, got)


@dataclass(slots=True)
class _Walk:
    waiting: list[_Pair] = field(default_factory=list)
    work: int = _WORK

    def run(self, expected: Json, got: Json) -> Iterator[Difference]:
        self.waiting.append(("", expected, got, True))
        while self.waiting:
            path, ours, theirs, paired = self.waiting.pop()
            for difference in self._at(path, ours, theirs, paired=paired):
                if paired or difference.kind not in _VALUES:
                    yield difference

    def _at(self, path: str, ours: Json, theirs: Json, *, paired: bool) -> Iterator[Difference]:
        place = path or "body"
        if type_of(ours) != type_of(theirs):
            yield Difference(place, Kind.TYPE, ours, theirs)
        elif isinstance(ours, dict) and isinstance(theirs, dict):
            yield from self._objects(path, ours, theirs, paired=paired)
        elif isinstance(ours, list) and isinstance(theirs, list):
            yield from self._lists(path, ours, theirs, paired=paired)
        elif isinstance(ours, str) and isinstance(theirs, str):
            if ours != theirs:
                alike = same_format(ours, theirs)
                yield Difference(place, Kind.VALUE if alike else Kind.FORMAT, ours, theirs)
        elif repr(ours) != repr(theirs):  # NaN is no NaN's equal
            yield Difference(place, Kind.VALUE, ours, theirs)

    def _objects(
        self, path: str, ours: dict[str, Json], theirs: dict[str, Json], *, paired: bool
    ) -> Iterator[Difference]:
        for key in {**ours, **theirs}:
            below = f"{path}/{_escaped(key)}"
            if key in ours and key in theirs:
                self.waiting.append((below, ours[key], theirs[key], paired))
            else:
                side = ours if key in ours else theirs
                kind = Kind.MISSING if key in ours else Kind.EXTRA
                kind = Kind.NULL if side[key] is None else kind
                yield Difference(below, kind, ours.get(key, ABSENT), theirs.get(key, ABSENT))

    def _lists(
        self, path: str, ours: list[Json], theirs: list[Json], *, paired: bool
    ) -> Iterator[Difference]:
        """Items of lists of two lengths cannot be paired: of them, the shape alone is compared."""
        same_length = len(ours) == len(theirs)
        if not same_length:
            yield Difference(path or "body", Kind.LENGTH, ours, theirs)
        elif paired and self._reordered(ours, theirs):
            yield Difference(path or "body", Kind.ORDER, ours, theirs)
            return
        for one, other in zip(ours, theirs, strict=False):
            self.waiting.append((f"{path}/*", one, other, paired and same_length))

    def _reordered(self, ours: list[Json], theirs: list[Json]) -> bool:
        """The same items in another order; False also where finding out would take too long."""
        if len(ours) < 2:
            return False
        first, second = self._written(ours), self._written(theirs)
        return first is not None and second is not None and _only_moved(first, second)

    def _written(self, items: list[Json]) -> list[str] | None:
        written = []
        for item in items:
            try:
                text = json.dumps(item, sort_keys=True)
            except RecursionError:
                return None
            self.work -= len(text)
            if self.work < 0:
                return None
            written.append(text)
        return written


def _only_moved(first: list[str], second: list[str]) -> bool:
    return first != second and Counter(first) == Counter(second)


def _escaped(key: str) -> str:
    """RFC 6901, and `*` likewise, for that is any index here."""
    return key.replace("~", "~0").replace("/", "~1").replace("*", "~2")
