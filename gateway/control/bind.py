"""Where the control plane may listen: beyond this machine only with TLS and with tokens."""

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from gateway.errors import BanyanError
from gateway.head import Network


class BindRefused(BanyanError):
    """The control plane must not listen there."""

    exit_code = 2


def check_bind(
    host: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    proxies: Sequence[Network],
    tokens_exist: bool,
) -> None:
    """Raises BindRefused, before anything is opened, and says what to set."""
    if (tls_cert is None) != (tls_key is None):
        given, missing = ("CERT", "KEY") if tls_key is None else ("KEY", "CERT")
        raise BindRefused(
            f"BANYAN_CONTROL_TLS_{given} is set, BANYAN_CONTROL_TLS_{missing} is not: TLS needs both"
        )
    if _is_loopback(host):
        return
    beyond = f"the control plane on {host or 'every address'} can be reached from other machines"
    if tls_cert is None and not proxies:
        raise BindRefused(
            f"{beyond}: set BANYAN_CONTROL_TLS_CERT and BANYAN_CONTROL_TLS_KEY, or name the proxies "
            "that do TLS in BANYAN_CONTROL_PROXIES, or set BANYAN_CONTROL_HOST to 127.0.0.1"
        )
    if not tokens_exist:
        raise BindRefused(f"{beyond}, and there is no token: make one with `banyan token` first")


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
