"""One shape of an answer, as each stack writes it, and values to write."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from hypothesis import strategies as st
from pydantic import BaseModel

money = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
real = st.floats(allow_nan=False, allow_infinity=False)
milliseconds = st.integers(min_value=0, max_value=4102444800000)
symbols = st.sampled_from(["TESTBTC/TESTUSD", "BTC/USD", "tBTC/USD", ""])
text = st.text(st.characters(exclude_categories=["Cs"]))


@dataclass(frozen=True)
class Pair:
    """`values` are what a service returns; both make JSON of them. `nulls`: some keys can be null.

    `modern` is a schema, or what makes one of the value.
    """

    legacy: Callable[[Any], dict[str, object]]
    modern: type[BaseModel] | Callable[[Any], BaseModel]
    values: st.SearchStrategy[Any]
    nulls: bool = False

    def schema(self, value: object) -> BaseModel:
        if isinstance(self.modern, type) and issubclass(self.modern, BaseModel):
            return self.modern.model_validate(value)
        return cast("Callable[[Any], BaseModel]", self.modern)(value)


def built(kind: type, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Instances of a dataclass with money and times in the range that the contract knows."""
    known = {"symbol": symbols, "timestamp": milliseconds} | fields
    hints = kind.__annotations__
    money_fields = {name: money for name, hint in hints.items() if "Decimal" in str(hint)}
    return st.builds(
        kind, **{**money_fields, **{name: known[name] for name in known if name in hints}}
    )
