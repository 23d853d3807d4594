"""What was asked, what was said, and each place where two answers differ. Pure."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


class Absent(Enum):
    """What one answer has and the other has not; null is something that is there."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
Shown: TypeAlias = "Json | Absent"


class Kind(StrEnum):
    """In which way two answers differ at one place."""

    STATUS = "status"
    CONTENT_TYPE = "content-type"
    HEADER = "header"
    MISSING = "missing"
    EXTRA = "extra"
    NULL = "null-vs-missing"
    TYPE = "type"
    FORMAT = "format"
    LENGTH = "length"
    ORDER = "order"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request decides how its answers are read."""

    method: str = "GET"
    url: str = "http://localhost/"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; a header that was sent twice stands twice."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def lines(self, name: str) -> list[str]:
        """The values of the header `name` (in lower case), a line each."""
        return [value for key, value in self.headers if key.lower() == name]


@dataclass(frozen=True, slots=True)
class Difference:
    """One place. `path` is `status:404-200`, `header:name`, `cookie:name`, `cookie:name;attribute`, `body`,
    or a JSON pointer into the body in which `*` is any index.

    A body that is compared as a whole, and none of its parts, is `body`.
    """

    path: str
    kind: Kind
    expected: Shown = ABSENT
    got: Shown = ABSENT


@dataclass(frozen=True, slots=True)
class Ignore:
    """Differences that are left out: `*` stands for one step of a path, a last `**` for all below."""

    path: str
    kind: Kind | None = None  # None: every kind

    def hides(self, difference: Difference) -> bool:
        return self.kind in {None, difference.kind} and path_matches(self.path, difference.path)


def path_matches(pattern: str, path: str) -> bool:
    """`/orders/*/price` names that, `/orders/**` also `/orders`, `status` any status, `**` everything."""
    if pattern in {"**", path.partition(":")[0]} and not pattern.startswith("/"):
        return True
    wanted, steps = pattern.split("/"), path.split("/")
    if wanted[-1] == "**":
        wanted.pop()
        steps = steps[: len(wanted)]
    return len(wanted) == len(steps) and all(
        want in {"*", step} for want, step in zip(wanted, steps, strict=True)
    )
