"""Bodies, queries, symbols, times: what requests say and answers show."""

import time
from decimal import Decimal

import pytest

from shared_services.errors import InvalidBody, InvalidQuery
from shared_services.jsonbody import MAX_DEPTH, parse_object
from shared_services.numbers import decimal_of
from shared_services.queries import parse_limit
from shared_services.symbols import (
    from_compact,
    pricing_currency,
    pricing_symbol,
    to_trading,
    usd_symbol,
)
from shared_services.wire import iso_z, number, utc_day


def refusal(raw: bytes) -> str:
    with pytest.raises(InvalidBody) as caught:
        parse_object(raw, missing="nothing here")
    return caught.value.error


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"{}", b"[]", b'""', b"0", b"0.0", b"-0", b"false", b" {} "]
)
def test_an_empty_body_is_missing(raw: bytes) -> None:
    assert refusal(raw) == "nothing here"


@pytest.mark.parametrize(
    "raw",
    [
        b" ",
        b"{",
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b"NaN",
        b'{"a":1}x',
        b'{"a":"\xff"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\x00"}',
        b'{"a":01}',
        b'{"a":1.}',
        b'{"a":+1}',
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        b"[" * 3000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    assert refusal(raw) == "Invalid JSON"


@pytest.mark.parametrize("raw", [b"[1]", b'"x"', b"1", b"true", b"1e5"])
def test_json_that_is_no_object_is_refused(raw: bytes) -> None:
    assert refusal(raw) == "JSON body must be an object"


def test_nesting_has_one_limit_whoever_calls() -> None:
    assert parse_object(b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)
    deeper = MAX_DEPTH + 1
    assert refusal(b'{"a":' * deeper + b"1" + b"}" * deeper) == "Invalid JSON"


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert parse_object(b'{"a":[' + b"[]," * 1000 + b"[]]}")


def test_the_last_of_a_repeated_key_counts() -> None:
    assert parse_object(b'{"a":1,"a":2}') == {"a": 2}


def test_numbers_are_read_exactly() -> None:
    value = parse_object(b'{"a":0.1000000000000000055511151231257827,"b":7,"c":1e-7}')
    assert value == {
        "a": Decimal("0.1000000000000000055511151231257827"),
        "b": 7,
        "c": Decimal("1e-7"),
    }
    assert [type(one) for one in value.values()] == [Decimal, int, Decimal]


def test_a_lone_surrogate_is_a_string_like_any_other() -> None:
    assert parse_object(b'{"a":"\\ud800"}') == {"a": "\ud800"}


@pytest.mark.parametrize(
    "digits", [b"1" * 10_000, b"0." + b"1" * 10_000, b"1e" + b"9" * 30, b"1" * 1_000_000]
)
def test_a_monstrous_number_is_read_in_no_time(digits: bytes) -> None:
    started = time.process_time()
    value = parse_object(b'{"a":' + digits + b"}")["a"]
    assert isinstance(value, Decimal)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("text", ["0" * 60_000 + "x", " " * 60_000 + "x", "1" * 60_000 + "-"])
def test_a_long_text_is_no_limit_and_found_so_in_no_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidQuery):
        parse_limit(text, 50, 100)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "1" * 1_000_000 + "x",
        "1" * 1_000_000,
        "0." + "1" * 1_000_000,
        "." * 1_000_000,
        "\t" * 1_000_000,
    ],
)
def test_a_long_text_is_a_number_or_not_in_no_time(text: str) -> None:
    started = time.process_time()
    assert decimal_of(text) == (Decimal(text) if text.startswith("0.") else None)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("text", "limit"),
    [(None, 50), ("1", 1), (" 7 ", 7), ("+9", 9), ("007", 7), ("1000", 100), ("9" * 5000, 100)],
)
def test_a_limit_is_read_and_capped(text: str | None, limit: int) -> None:
    assert parse_limit(text, 50, 100) == limit


@pytest.mark.parametrize(
    "text", ["", "abc", "0", "-1", "-0", "1.0", "1e2", "0x1", "1_0", "\u0661", "- 1"]
)
def test_a_wrong_limit_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_limit(text, 50, 100)
    assert caught.value.envelope() == {"error": "Invalid limit: must be a positive integer"}


@pytest.mark.parametrize(
    ("unified", "trading"),
    [
        ("BTC/USD", "tBTC:USD"),
        ("TESTBTC/TESTUSD", "tTESTBTC:TESTUSD"),
        ("tBTC:USD", "tBTC:USD"),
        ("total/USD", "total:USD"),
    ],
)
def test_the_trading_form_begins_with_t(unified: str, trading: str) -> None:
    assert to_trading(unified) == trading


@pytest.mark.parametrize(
    ("compact", "unified"),
    [
        ("BTCUSD", "BTC/USD"),
        ("TESTBTCTESTUSD", "TESTBTCTEST/USD"),
        ("btcusd", "btcusd"),
        ("BTC/USD", "BTC/USD"),
        ("XUSD", "XUSD"),
        ("ABUSD", "ABUSD"),
        ("BTCEUR", "BTCEUR"),
    ],
)
def test_only_what_is_compact_is_split(compact: str, unified: str) -> None:
    assert from_compact(compact) == unified


def test_test_currencies_have_the_price_of_the_real_one() -> None:
    assert pricing_symbol("TESTBTC/TESTUSD") == pricing_symbol("BTC/USD") == "BTC/USD"
    assert pricing_currency("TESTBTC") == "BTC"
    assert usd_symbol("TESTETH") == "ETH/USD"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (1_700_000_000_000, "2023-11-14T22:13:20Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
        (1_700_000_000_007, "2023-11-14T22:13:20.007Z"),
    ],
)
def test_a_time_has_milliseconds_only_when_there_are_any(ms: int, text: str) -> None:
    assert iso_z(ms) == text


def test_a_day_is_a_utc_day() -> None:
    midnight = 1_700_006_400_000
    assert (utc_day(midnight - 1), utc_day(midnight)) == ("2023-11-14", "2023-11-15")


def test_money_on_the_wire_is_the_nearest_double() -> None:
    assert repr(number(Decimal("0.0000001"))) == "1e-07"
    assert repr(number(Decimal(8000))) == "8000.0"
