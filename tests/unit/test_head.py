"""Who the client is, and which headers never reach a stack."""

from ipaddress import ip_network

import pytest

from gateway.head import Header, HeadReader, UnitSource, clean

SOURCES = (
    UnitSource("header", b"x-api-key"),
    UnitSource("cookie", b"sid"),
    UnitSource("client"),
)
READER = HeadReader(SOURCES, (ip_network("10.0.0.0/8"),))
SCOPE = {"client": ("10.0.0.1", 1234)}


def unit(*headers: Header, client: str = "10.0.0.1") -> bytes:
    found, _ = READER.read(headers)
    return READER.unit(found, {"client": (client, 1234), "headers": headers})


def test_the_first_source_that_is_there_is_the_unit() -> None:
    key, cookie = (b"x-api-key", b"k"), (b"cookie", b"a=1; sid=s; sid=t")
    assert unit(cookie, key) == b"x-api-key=k"
    assert unit(cookie) == b"sid=s"
    assert unit() == b"client=10.0.0.1"


def test_an_empty_header_is_no_unit() -> None:
    assert unit((b"x-api-key", b"")) == b"client=10.0.0.1"


def test_of_a_repeated_header_the_first_counts() -> None:
    assert unit((b"x-api-key", b"a"), (b"x-api-key", b"b")) == b"x-api-key=a"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("9.9.9.9", b"1.1.1.1", b"9.9.9.9"),
        ("10.0.0.1", b"1.1.1.1", b"1.1.1.1"),
        ("10.0.0.1", b"6.6.6.6, 1.1.1.1, 10.2.3.4", b"1.1.1.1"),
        ("10.0.0.1", b"10.9.9.9", b"10.9.9.9"),
        ("10.0.0.1", b"", b"10.0.0.1"),
        ("10.0.0.1", b"nonsense", b"nonsense"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(
    peer: str, forwarded: bytes, client: bytes
) -> None:
    assert unit((b"x-forwarded-for", forwarded), client=peer) == b"client=" + client


def test_a_proxy_that_adds_a_line_of_its_own_is_heard() -> None:
    lines = (b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"1.1.1.1")
    assert unit(*lines) == b"client=1.1.1.1"


def test_headers_with_underscores_and_our_own_are_dropped() -> None:
    headers = [(b"x_auth_user", b"root"), (b"x-banyan-stack", b"modern"), (b"accept", b"*/*")]
    _, dirty = READER.read(headers)
    assert dirty
    assert clean(headers) == [(b"accept", b"*/*")]


def test_ordinary_headers_are_left_alone() -> None:
    _, dirty = READER.read([(b"accept", b"*/*"), (b"x-request-id", b"1")])
    assert not dirty
