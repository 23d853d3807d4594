"""Who may use the API: the token, and when the process must not start without one."""

import hmac
import ipaddress
import os
import sys
from collections.abc import Sequence
from typing import Final

from shared_services.bound_addresses import bound_addresses
from shared_services.settings import TradingSettings

CHALLENGE: Final = 'Bearer realm="trading-api"'
"""The `WWW-Authenticate` header of a 401."""

_REFUSED: Final = 3  # gunicorn stops for good when a worker ends with it (WORKER_BOOT_ERROR)


def is_authorized(settings: TradingSettings, *, authorization: str, api_key: str) -> bool:
    """Whether one of the two headers carries the token, if there is one; in constant time."""
    if settings.api_token is None:
        return True
    token = settings.api_token.get_secret_value().encode()
    scheme, _, bearer = authorization.partition(" ")
    by_bearer = scheme.lower() == "bearer" and _equal(bearer.strip(), token)
    return by_bearer | _equal(api_key.strip(), token)


def settings_or_exit(addresses: Sequence[str] | None = None) -> TradingSettings:
    """The settings from the environment; for entry modules and server hooks only.

    Ends the process, with the reason as its last line, where an API without a token would be
    reachable from elsewhere (`addresses` it binds to; by default those of the command line) or
    trade on a live exchange.
    """
    settings = TradingSettings()
    if addresses is None:
        addresses = bound_addresses(sys.argv[1:], os.environ)
    for address in addresses or ["localhost"]:
        if reason := refusal(settings, address):
            sys.stderr.write(f"Refusing to start: {reason} and TRADING_API_TOKEN is not set\n")
            sys.exit(_REFUSED)
    return settings


def refusal(settings: TradingSettings, address: str) -> str | None:
    """Why the API must not be served at `address` without a token; None if it may."""
    if settings.api_token is not None:
        return None
    if settings.exchange != "paper":
        return f"exchange '{settings.exchange}' is live"
    return None if _is_loopback(address) else f"{address} is not a loopback address"


def _equal(header: str, token: bytes) -> bool:
    return hmac.compare_digest(header.encode("latin-1", "replace"), token)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
