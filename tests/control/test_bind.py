"""Where the control plane may listen, with what."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.control.bind import BindRefused, check_bind

CERT, KEY = Path("cert.pem"), Path("key.pem")
PROXIES = (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"]
)
def test_on_this_machine_alone_it_needs_nothing(host: str) -> None:
    check_bind(host, None, None, (), tokens_exist=False)


BEYOND = ["0.0.0.0", "::", "", "192.0.2.1", "ops.example", "localhost.evil.com", "127.0.0.1.nip.io"]


@pytest.mark.parametrize("host", BEYOND)
def test_b080_beyond_this_machine_it_does_not_talk_in_clear(host: str) -> None:
    with pytest.raises(BindRefused, match="BANYAN_CONTROL_TLS_CERT and BANYAN_CONTROL_TLS_KEY"):
        check_bind(host, None, None, (), tokens_exist=True)


@pytest.mark.parametrize("host", BEYOND)
@pytest.mark.parametrize("tls", [(CERT, KEY, ()), (None, None, PROXIES)])
def test_b080_beyond_this_machine_it_has_a_token(
    host: str, tls: tuple[Path | None, Path | None, tuple[()]]
) -> None:
    with pytest.raises(BindRefused, match="banyan token"):
        check_bind(host, *tls, tokens_exist=False)
    check_bind(host, *tls, tokens_exist=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    ("cert", "key", "message"),
    [
        (CERT, None, "_CERT is set, BANYAN_CONTROL_TLS_KEY is not"),
        (None, KEY, "_KEY is set, BANYAN_CONTROL_TLS_CERT is not"),
    ],
)
def test_half_of_tls_is_refused_everywhere(
    host: str, cert: Path | None, key: Path | None, message: str
) -> None:
    with pytest.raises(BindRefused, match=message):
        check_bind(host, cert, key, PROXIES, tokens_exist=True)


def test_a_refused_address_is_a_matter_of_settings() -> None:
    assert BindRefused.exit_code == 2
