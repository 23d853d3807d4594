"""The operator's own examples: what a schema cannot tell, such as ids that exist and tokens.

- route: GET /orders/{order_id}     # a request of its own, and what generated ones begin with
  path: {order_id: 17}
- route: "* /api/**"                # a pattern: for generated requests only
  headers: {Authorization: Bearer abc}
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gateway.endpoints import Endpoint
from gateway.parity.files import read_yaml
from gateway.plan.model import RoutePattern
from gateway.plan.patterns import is_pattern, matches


class Example(BaseModel):
    """One entry. A body that is no text is sent as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    route: RoutePattern
    path: dict[str, str | int | float] = Field(default_factory=dict)
    query: dict[str, str | int | float | bool] | str = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None

    @property
    def is_request(self) -> bool:
        return not is_pattern(self.route)


def read_examples(path: Path) -> list[Example]:
    """Raises FileRefused."""
    return read_yaml(path, TypeAdapter(list[Example])) or []


def examples_for(endpoint: Endpoint, examples: Iterable[Example]) -> list[Example]:
    """Those whose route or pattern names this one, in the order of the file."""
    return [example for example in examples if matches(example.route, endpoint)]
