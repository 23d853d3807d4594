"""Changes YAML text in place: what is not changed keeps every byte.

The text is read for where its nodes stand, and is cut and filled there. A round trip through ruamel would
lay out every line anew, and hang a rule's comment on the value before it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from gateway.plan.written import written

_BREAK: Final = re.compile(r"\r\n|\n|\r")
_COLON: Final = re.compile(r"\s*:")
_NOTHING: Final = re.compile(r",?\s*(?:#.*)?")  # that counts
_DASH: Final = re.compile(r"(?<![^\r\n]) *-(?=\s)")


class Field(NamedTuple):
    """A key of a mapping, and its value."""

    key: Node
    value: Any  # a Node of any kind


class _Part(NamedTuple):
    """Where a field or an item stands, comments apart."""

    start: int
    end: int


class Page:
    """A YAML text and the changes to make. One page either sets and adds, or removes: not both."""

    def __init__(self, text: str) -> None:
        """Raises YAMLError or ValueError if the text is no YAML mapping."""
        yaml = YAML(typ="safe", pure=True)
        self.text = text
        self.root: MappingNode = yaml.compose(text)
        if not isinstance(self.root, MappingNode):
            raise YAMLError("no mapping")
        self.data: dict[str, Any] = yaml.constructor.construct_document(self.root)
        found = _BREAK.search(text)
        self._break = found[0] if found else "\n"
        self._splices: list[tuple[int, int, str]] = []

    @property
    def changed(self) -> bool:
        return bool(self._splices)

    def result(self) -> str:
        """The text with all changes made."""
        done, position = [], 0
        for start, end, text in sorted(self._splices, key=lambda splice: splice[:2]):
            done += [self.text[position:start], text]
            position = end
        return "".join([*done, self.text[position:]])

    def put(
        self, mapping: MappingNode, name: str, value: object, after: Iterable[str] = ()
    ) -> None:
        """Sets a field; one that is not there is added after the first of `after`, or at the end."""
        there = fields_of(mapping)
        if name in there:
            self._fill(there[name], value, flow=bool(mapping.flow_style))
            return
        before = next((there[other] for other in after if other in there), None)
        part = self._field(before) if before else self._parts(mapping)[-1]
        if mapping.flow_style:
            self._cut(part.end, part.end, f", {name}: {written(value, flow=True)}")
        else:
            self._add_lines(
                part.end, mapping.value[0][0].start_mark.column, [f"{name}: {written(value)}"]
            )

    def add_items(self, owner: Field, items: Sequence[Mapping[str, object]]) -> None:
        """Adds mappings at the end of the owner's sequence, or makes one where there is none."""
        sequence = owner.value
        if isinstance(sequence, SequenceNode) and sequence.value:
            self._append(sequence, items)
        elif self.root.flow_style:
            self._fill(owner, list(items), flow=True)
        else:
            self._begin_items(owner, items)

    def remove(self, owner: Field | None, node: CollectionNode, doomed: set[int]) -> None:
        """Removes fields or items by their index; `owner` is needed where none is left."""
        parts = self._parts(node)
        if len(doomed) < len(parts):
            self._remove_some(parts, doomed, flow=bool(node.flow_style))
            return
        empty = "{}" if isinstance(node, MappingNode) else "[]"
        if node.flow_style:
            self._cut(node.start_mark.index, node.end_mark.index, empty)
        elif owner is not None:
            colon = self._after_colon(owner)
            self._cut(colon, colon, f" {empty}")
            for part in parts:
                self._cut_lines(part)

    def _remove_some(self, parts: Sequence[_Part], doomed: set[int], *, flow: bool) -> None:
        """By the line where lines allow; else up to the first that stays, and from the one before."""
        first = next(index for index in range(len(parts)) if index not in doomed)
        by_line = all(self._is_alone(parts[index]) for index in doomed)
        for index in sorted(doomed):
            part = parts[index]
            if by_line or (index > first and not flow):
                self._cut_lines(part)
            elif index < first:
                self._cut(part.start, parts[first].start, "")
            else:
                self._cut(parts[index - 1].end, part.end, "")

    def _is_alone(self, part: _Part) -> bool:
        """Whether nothing else stands on its lines, but for a comma and a comment."""
        behind = self.text[part.end : self._line_end(part.end)]
        return not self._before(part.start).strip() and _NOTHING.fullmatch(behind) is not None

    def _fill(self, field: Field, value: object, *, flow: bool) -> None:
        """Puts a value where another one stands; one that began on a line of its own moves up."""
        start, end = self._value(field)
        text = written(value, flow=flow)
        colon = self._after_colon(field)
        if start == end:
            self._cut(start, start, f" {text}" if self.text[start - 1] == ":" else f": {text}")
        elif not flow and _BREAK.search(self.text, colon, start):
            self._cut(colon, colon, f" {text}")
            self._cut_lines(_Part(start, end))
        else:
            self._cut(start, end, text)

    def _begin_items(self, owner: Field, items: Sequence[Mapping[str, object]]) -> None:
        start, end = self._value(owner)
        colon = self._after_colon(owner)
        self._cut(colon + len(self.text[colon:start].rstrip()), end, "")
        self._add_lines(end, owner.key.start_mark.column + 2, _item_lines(items))

    def _append(self, sequence: SequenceNode, items: Sequence[Mapping[str, object]]) -> None:
        last = self._parts(sequence)[-1]
        before = self._before(last.start)
        if not sequence.flow_style:
            self._add_lines(last.end, len(before), _item_lines(items))
            return
        between = " " if before.strip() else self._break + before
        for item in items:
            self._cut(last.end, last.end, f",{between}{written(item, flow=True)}")

    def _parts(self, node: CollectionNode) -> list[_Part]:
        if isinstance(node, MappingNode):
            return [self._field(Field(*pair)) for pair in node.value]
        parts: list[_Part] = []
        for item in node.value:
            start = item.start_mark.index if node.flow_style else self._dash(node, parts)
            parts.append(_Part(start, self._end(item)))
        return parts

    def _field(self, field: Field) -> _Part:
        return _Part(field.key.start_mark.index, self._value(field).end)

    def _value(self, field: Field) -> _Part:
        """Where a field's value stands; for ruamel an empty one is where the next thing begins."""
        start, end = field.value.start_mark.index, self._end(field.value)
        colon = self._after_colon(field)
        return _Part(start, end) if start < end else _Part(colon, colon)

    def _dash(self, node: Node, before: Sequence[_Part]) -> int:
        """Where the next item's dash stands: the first thing of its line, for a comment begins with `#`."""
        start = before[-1].end if before else self._line_start(node.start_mark.index)
        found = _DASH.search(self.text, start)
        return found.end() - 1 if found else start

    def _end(self, node: Node) -> int:
        """Behind the last letter: ruamel ends a block where the next thing begins."""
        if isinstance(node, CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._field(Field(*last)).end if isinstance(last, tuple) else self._end(last)
        start, end = node.start_mark.index, node.end_mark.index
        return int(start) + len(self.text[start:end].rstrip())

    def _after_colon(self, field: Field) -> int:
        end = int(field.key.end_mark.index)
        found = _COLON.match(self.text, end)
        return found.end() if found else end

    def _line_start(self, index: int) -> int:
        return max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index)) + 1

    def _line_end(self, index: int) -> int:
        found = _BREAK.search(self.text, index)
        return found.start() if found else len(self.text)

    def _before(self, index: int) -> str:
        """What stands before `index` on its line."""
        return self.text[self._line_start(index) : index]

    def _add_lines(self, end: int, column: int, lines: Iterable[str]) -> None:
        """Adds lines below the one in which `end` is."""
        below = self._line_end(end)
        added = (self._break + " " * column + line for line in lines)
        self._cut(below, below, "".join(added))

    def _cut_lines(self, part: _Part) -> None:
        """Takes the part's lines away, with a line break: the one before where the text ends without."""
        start, end = self._line_start(part.start), self._line_end(part.end)
        if found := _BREAK.match(self.text, end):
            self._cut(start, found.end(), "")
        else:
            self._cut(max(0, start - len(self._break)), end, "")

    def _cut(self, start: int, end: int, text: str) -> None:
        self._splices.append((start, end, text))


def fields_of(mapping: MappingNode) -> dict[str, Field]:
    """The fields of a mapping by name."""
    return {str(key.value): Field(key, value) for key, value in mapping.value}


def _item_lines(items: Iterable[Mapping[str, object]]) -> list[str]:
    return [
        f"{'  ' if index else '- '}{name}: {written(value)}"
        for item in items
        for index, (name, value) in enumerate(item.items())
    ]
