"""Tagged JSON against Flask's own serializer."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.json.tag import TaggedJSONSerializer
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from gateway.kit.session import tags

APP = Flask(__name__)  # with one, Flask sorts the keys
FLASK = TaggedJSONSerializer()

KEYS = st.text() | st.sampled_from([" di", " t", " b", " m", " u", " d", " t__", " di__", ""])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.uuids()
    | st.datetimes(datetime(1900, 1, 1), timezones=st.sampled_from([None, UTC]))  # noqa: DTZ001 - naive ones too
    | st.dates(date(1900, 1, 1))
    | st.decimals(allow_nan=False)
    | st.text().map(Markup)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(KEYS, inner)
        | st.dictionaries(KEYS, inner, min_size=1, max_size=1)
    ),
    max_leaves=8,
)
SESSIONS = st.dictionaries(KEYS, VALUES, max_size=3)


@dataclass
class Point:
    at: datetime
    id: UUID
    html: object


class Html:
    def __html__(self) -> str:
        return "<i>"


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return all(same(*both) for both in zip(one, other, strict=True))
    return True


@settings(deadline=None)
@given(SESSIONS)
def test_p081_what_is_written_is_what_flask_writes(value: dict[str, Any]) -> None:
    with APP.app_context():
        assert tags.dumps(value) == FLASK.dumps(value)


@settings(deadline=None)
@given(SESSIONS)
def test_p081_what_flask_wrote_is_read_as_flask_reads_it(value: dict[str, Any]) -> None:
    text = FLASK.dumps(value)
    assert same(tags.loads(text), FLASK.loads(text))


ODD = {  # by names: the text of an object is another in each process
    "dataclass": Point(datetime(2024, 1, 2, tzinfo=UTC), UUID(int=1), Html()),
    "markup": Html(),
    "date": date(2024, 1, 2),
    "decimal": Decimal("1.10"),
    "integer keys": {1: "a", 2: "b"},
    "NaN": {"f": float("nan")},
    "None as a key": {None: 1},
    "True as a key": {True: (1,)},
}
UNWRITABLE = {
    "set": {1},
    "object": object(),
    "class": Point,
    "mixed keys": {1: "a", "b": 2},
    "complex": 1j,
}


@pytest.mark.parametrize("value", ODD.values(), ids=ODD.keys())
def test_p081_odd_values_are_written_as_flask_writes_them(value: object) -> None:
    with APP.app_context():
        assert tags.dumps({"v": value}) == FLASK.dumps({"v": value})


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE.keys())
def test_p081_what_flask_cannot_write_is_refused(value: object) -> None:
    with APP.app_context(), pytest.raises(TypeError):
        FLASK.dumps({"v": value})
    with pytest.raises(TypeError):
        tags.dumps({"v": value})


@pytest.mark.parametrize(
    "text",
    [
        '{" t":[1,{" t":[2]}]}',
        '{" di":{" t__":[1]}}',
        '{" di":{" di__":{" t":[]}}}',
        '[{" x":1},{" t":[1],"a":2}]',
        '{" d":"no date"}',
        '{" m":"<b>"}',
        "5",
    ],
)
def test_p081_texts_are_read_as_flask_reads_them(text: str) -> None:
    assert same(tags.loads(text), FLASK.loads(text))
