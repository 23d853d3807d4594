"""Values of every type that Flask's provider knows, nested anyhow: the same bytes, or both crash."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from fastapi import FastAPI
from flask import jsonify
from flask.typing import ResponseReturnValue
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from pydantic import BaseModel

from gateway.kit.compat import FlaskJSONResponse, flask_compatible
from tests.drive import AsgiTarget, Request, WsgiTarget
from tests.kit.equal import comparable, quiet_flask


@dataclass
class Pair:
    left: Any
    right: Any


class Modelled(BaseModel):
    v: Any


class Text(StrEnum):
    ONE = "one"


class Number(IntEnum):
    ONE = 1


Named = namedtuple("Named", "a b")
KEYS = (st.text(max_size=3), st.integers(0, 9), st.floats(), st.sampled_from([Text.ONE, "one"]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.text(alphabet=st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=2),
    st.decimals(),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.dates(),
    st.uuids(),
    st.sampled_from([Text.ONE, Number.ONE, Markup("<b>"), 10**50, -0.0]),
)


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.builds(Pair, inner, inner),
        st.builds(Named, inner, inner),
        *(st.dictionaries(key, inner, max_size=3) for key in KEYS),
        st.dictionaries(KEYS[0], inner, max_size=2).map(OrderedDict),
    )


asked: dict[str, Any] = {}
flask = quiet_flask(__name__)
fastapi = FastAPI()
flask_compatible(fastapi)


@flask.get("/dict", endpoint="dict")
@flask.get("/model", endpoint="model")
@flask.get("/class", endpoint="class")
def flask_view() -> ResponseReturnValue:
    return jsonify(v=asked["v"])


@fastapi.get("/dict")
async def of_dict() -> dict[str, Any]:
    return {"v": asked["v"]}


@fastapi.get("/model")
async def of_model() -> Modelled:
    return Modelled(v=asked["v"])


@fastapi.get("/class")
async def of_class() -> FlaskJSONResponse:
    return FlaskJSONResponse({"v": asked["v"]})


@settings(deadline=None)
@given(st.sampled_from(["/dict", "/model", "/class"]), st.recursive(SCALARS, nested, max_leaves=8))
async def test_p022_to_p034_any_value_is_written_as_flask_writes_it(path: str, value: Any) -> None:
    asked["v"] = value
    request = Request("GET", path)
    expected = comparable(WsgiTarget(flask).ask(request))
    assert comparable(await AsgiTarget(fastapi).send(request)) == expected
