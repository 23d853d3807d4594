"""What the settings of a stack may say, and what is refused with the nearest right value."""

import socket

import pytest

from gateway.settings import Settings
from gateway.stacks.address import (
    Address,
    ImportString,
    Remote,
    Spawned,
    StackNotFound,
    parse_address,
)
from gateway.stacks.remote.reach import check_reach, is_metadata

LEGACY = "BANYAN_LEGACY"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("httpbin:app", ImportString("httpbin:app")),
        ("unixtools.web:make.app", ImportString("unixtools.web:make.app")),
        ("processing:app", ImportString("processing:app")),
        ("process:shop.wsgi:app", Spawned(LEGACY, "shop.wsgi:app")),
        ("process:http:app", Spawned(LEGACY, "http:app")),
        ("http://127.0.0.1:8000", Remote(LEGACY, "127.0.0.1", 8000)),
        ("http://shop.example", Remote(LEGACY, "shop.example", 80)),
        ("http://shop.example/", Remote(LEGACY, "shop.example", 80)),
        ("https://shop.example", Remote(LEGACY, "shop.example", 443, tls=True)),
        ("HTTP://[::1]:9", Remote(LEGACY, "::1", 9)),
        ("unix:/run/shop.sock", Remote(LEGACY, path="/run/shop.sock")),
    ],
)
def test_b122_each_kind_of_stack_is_told_by_its_own_spelling(value: str, address: Address) -> None:
    assert parse_address(LEGACY, value) == address


@pytest.mark.parametrize(
    ("value", "one", "other"),
    [
        ("http:app", "'app' of the module 'http'", "http://app"),
        ("https:app", "'app' of the module 'https'", "https://app"),
        ("unix:app", "'app' of the module 'unix'", "unix:/path/to/app"),
        ("process:app", "'app' of the module 'process'", "process:app:app"),
    ],
)
def test_b122_what_can_be_read_in_two_ways_is_refused_with_both(
    value: str, one: str, other: str
) -> None:
    with pytest.raises(StackNotFound) as refused:
        parse_address(LEGACY, value)
    assert one in str(refused.value)
    assert other in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("value", "nearest"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("http:/shop", "http://shop"),
        ("http:8000", "http://localhost:8000"),
        ("http://shop/api", "http://shop"),
        ("http://shop:81/?a", "http://shop:81"),
        ("https://[::1]/x", "https://[::1]"),
        ("ftp://shop", "http://shop"),
        ("//shop", "http://host:port"),
        ("http+unix:///run/shop.sock", "unix:/run/shop.sock"),
        ("unix:run/shop.sock", "unix:/run/shop.sock"),
        ("unix:///run/shop.sock", "unix:/run/shop.sock"),
        ("/run/shop.sock", "unix:/run/shop.sock"),
    ],
)
def test_b122_a_value_that_is_nearly_right_is_refused_with_the_right_one(
    value: str, nearest: str
) -> None:
    with pytest.raises(StackNotFound) as refused:
        parse_address(LEGACY, value)
    assert str(refused.value).endswith(f"nearest: {nearest}")


@pytest.mark.parametrize(
    "value",
    [
        "", "app", "a b:app", "pkg:", ":app", "1pkg:app", "process:", "process:http://shop", "unix:", "http:",
        "http://", "http://:80", "http://shop:0", "http://shop:99999", "http://sh op", "http://shop\n.example",
        "http://-", "unix:/" + "x" * 120, "pkg:app\n",
    ],
)  # fmt: skip
def test_b122_what_is_no_stack_at_all_is_refused(value: str) -> None:
    with pytest.raises(StackNotFound, match=LEGACY):
        parse_address(LEGACY, value)


def test_b122_a_password_in_a_url_is_in_no_message() -> None:
    with pytest.raises(StackNotFound) as refused:
        parse_address(LEGACY, "http://alice:hunter2@shop:80")
    assert "hunter2" not in str(refused.value)
    assert str(refused.value).endswith("nearest: http://shop:80")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254", "http://[fe80::1]", "http://[fd00:ec2::254]:80", "http://100.100.100.200",
        "http://[::ffff:169.254.169.254]", "http://2852039166",
    ],
)  # fmt: skip
def test_b084_a_metadata_address_is_no_stack_however_it_is_spelled(url: str) -> None:
    with pytest.raises(StackNotFound, match="link-local or metadata"):
        check_reach(_remote(url), Settings())


@pytest.fixture
def evil(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads to the metadata service."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: found)


@pytest.mark.usefixtures("evil")
def test_b084_a_name_that_leads_to_a_metadata_address_is_refused() -> None:
    with pytest.raises(StackNotFound, match=r"169\.254\.169\.254"):
        check_reach(_remote("http://shop.example"), Settings())


@pytest.mark.parametrize(
    ("url", "plane"),
    [
        ("http://127.0.0.1:8000", "data plane"),
        ("http://localhost:8000", "data plane"),
        ("http://0.0.0.0:8000", "data plane"),
        ("http://127.0.0.1:8001", "control plane"),
        ("http://127.0.0.1:9100", "probe port"),
    ],
)
def test_b084_the_gateways_own_address_is_refused_as_a_loop(url: str, plane: str) -> None:
    with pytest.raises(StackNotFound, match=plane):
        check_reach(_remote(url), Settings(probe_port=9100))


def test_b084_a_gateway_on_all_addresses_is_found_at_each_of_them() -> None:
    with pytest.raises(StackNotFound, match="data plane"):
        check_reach(_remote("http://127.0.0.7:8000"), Settings(host="0.0.0.0"))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.2:8000", "http://127.0.0.1:8002", "http://[::1]:8000"]
)
def test_b084_a_neighbour_of_the_gateway_is_a_stack(url: str) -> None:
    check_reach(_remote(url), Settings())


def test_b084_only_addresses_that_are_addresses_are_judged() -> None:
    assert not is_metadata("shop.example")
    assert not is_metadata("10.0.0.1")
    assert is_metadata("fe80::1%eth0")


def _remote(url: str) -> Remote:
    address = parse_address(LEGACY, url)
    assert isinstance(address, Remote)
    return address
