"""Where the rule of a path is looked up: made once for some rules, used by the tables of all plans over them.

At 10 000 rules it takes most of a second to make, and a plan changes none of them.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from gateway.door.entry import Entry
from gateway.door.rules import DoorRule
from gateway.door.trie import Trie

_KEPT: Final = 4  # a deploy has two apps for a while, and the control plane reads them on its own


class Index:
    """Rules by their path: a dictionary where it has no variables, and a trie for all of them."""

    def __init__(self, rules: tuple[DoorRule, ...]) -> None:
        self.trie = Trie()
        self.literal: dict[str, dict[str, Entry]] = {}  # by path and method
        walked: set[str] = set()  # templates that no dictionary can tell about
        for number, rule in enumerate(rules):
            entry = Entry(rule, number)
            self.trie.insert(entry)
            if entry.literal and not rule.domain:
                self._learn(entry, walked)

    def _learn(self, entry: Entry, walked: set[str]) -> None:
        rule = entry.rule
        if rule.turns or rule.methods is None:
            walked.add(rule.template)
        if rule.template not in walked:
            literal = self.literal.setdefault(rule.template, {})
            for method in rule.methods or ():
                literal.setdefault(method, entry)


def index_of(rules: tuple[DoorRule, ...]) -> Index:
    """The index of these rules; of the last ones it is there already."""
    return _made(_Rules(rules))


@dataclass(frozen=True)
class _Rules:
    """Rules as a key. They are the same objects as a rule, and then compared in no time."""

    rules: tuple[DoorRule, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(rule.template for rule in self.rules))


@lru_cache(_KEPT)
def _made(key: _Rules) -> Index:
    return Index(key.rules)
