"""Who may use the API: the token, and when the process must not start without one."""

import hmac
import ipaddress
import os
import sys
from collections.abc import Sequence
from typing import Final

from shared_services.command_line import CommandLine
from shared_services.settings import TradingSettings

CHALLENGE: Final = 'Bearer realm="trading-api"'
"""The `WWW-Authenticate` header of a 401."""


def is_authorized(settings: TradingSettings, *, authorization: str, api_key: str) -> bool:
    """Whether one of the two headers carries the token, if there is one; in constant time."""
    if settings.api_token is None:
        return True
    token = settings.api_token.get_secret_value().encode()
    scheme, _, bearer = authorization.partition(" ")
    by_bearer = scheme.lower() == "bearer" and _equal(bearer.strip(), token)
    return by_bearer | _equal(api_key.strip(), token)


class RefusedToStart(SystemExit):
    """Ends the process with a status at which gunicorn does not try again."""

    def __init__(self, reason: str) -> None:
        super().__init__(3)  # gunicorn's WORKER_BOOT_ERROR
        self._reason = reason

    def __str__(self) -> str:
        return self._reason


def settings_or_exit(
    addresses: Sequence[str] | None = None, workers: int | None = None
) -> TradingSettings:
    """The settings from the environment; for entry modules and server hooks only.

    By default the command line says where the server listens and how many workers it has. Raises
    RefusedToStart, with the reason as the last line on stderr, for what `refusal` refuses.
    """
    settings = TradingSettings()
    told = CommandLine(sys.argv[1:], os.environ)
    reason = refusal(
        settings,
        told.addresses() if addresses is None else addresses,
        told.workers() if workers is None else workers,
    )
    if reason:
        sys.stderr.write(f"Refusing to start: {reason}\n")
        raise RefusedToStart(reason)
    return settings


def refusal(settings: TradingSettings, addresses: Sequence[str], workers: int = 1) -> str | None:
    """Why the API must not be served so; None if it may.

    Without a token it would be open to everybody, or trade on a live exchange; in memory, each
    worker would have an account of its own.
    """
    if workers > 1 and settings.store == "memory://":
        return f"TRADING_STORE is memory://, which {workers} workers cannot share"
    if settings.api_token is not None:
        return None
    public = [address for address in addresses if not _is_loopback(address)]
    if settings.exchange != "paper":
        return f"exchange '{settings.exchange}' is live and TRADING_API_TOKEN is not set"
    if public:
        return f"{public[0]} is not a loopback address and TRADING_API_TOKEN is not set"
    return None


def _equal(header: str, token: bytes) -> bool:
    return hmac.compare_digest(header.encode("latin-1", "replace"), token)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
