"""ccxt's own client: made in a thread, told to count in Decimal and to wait for its turn."""

import importlib
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from anyio import to_thread
from pydantic import SecretStr

from shared_services.exchange.port import NoExchangeError
from shared_services.nonces.owner import NonceOwner

Client: TypeAlias = Any  # a class of ccxt.async_support; ccxt has no usable types

TIMEOUT: Final = 10.0  # seconds for one call

_CCXT: Final = "ccxt.async_support"


@dataclass(frozen=True, slots=True)
class Keys:
    key: SecretStr
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class Venue:
    """An exchange as ccxt calls it; without `keys` only what is public can be asked of it."""

    id: str
    keys: Keys | None = None
    url: str | None = None
    sandbox: bool = False
    timeout: float = TIMEOUT
    limited: bool = True
    """Space out public calls as the exchange wants it, in each process; signed ones have a budget."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be told."""
        if self.keys is None:
            return ()
        return self.keys.key.get_secret_value(), self.keys.secret.get_secret_value()


@asynccontextmanager
async def open_client(venue: Venue, owner: NonceOwner | None) -> AsyncIterator[Client]:
    """A client for this loop; signed calls take their turn from `owner`.

    Raises NoExchangeError if ccxt is not installed, does not know the exchange, or has no sandbox
    of it although one is asked for.
    """
    client = await to_thread.run_sync(_make, venue)  # the import alone takes a second
    try:
        if owner is not None:
            _take_turns(client, owner)
        yield client
    finally:
        await client.close()


def _make(venue: Venue) -> Client:
    client = _class(venue.id)({"number": Decimal, "enableRateLimit": venue.limited})
    client.timeout = int(venue.timeout * 1000)
    if venue.sandbox:
        _enter_sandbox(client)
    if venue.keys is not None:
        client.apiKey, client.secret = venue.secrets
    _connect(client, venue.url)
    client.on_json_response = _exact
    client.logger = _quiet()
    return client


def _connect(client: Client, url: str | None) -> None:
    """To its own addresses, or to `url` instead of all of them."""
    if url is not None:
        client.urls["api"] = _all_at(url.rstrip("/"), client.urls["api"])
    if url is not None and url.startswith("http:"):
        client.ssl_context = client.verify = False
        client.timeout_on_exit = 0  # a wait for TLS to say goodbye: ccxt#23470
    else:
        client.ssl_context = ssl.create_default_context(cafile=client.cafile)  # reads a file


def _class(name: str) -> Any:
    try:
        ccxt = importlib.import_module(_CCXT)
    except ImportError as error:
        raise NoExchangeError(f"{error}; pip install 'banyan-gateway[exchanges]'") from error
    if name not in ccxt.exchanges:
        raise NoExchangeError(f"ccxt {ccxt.__version__} knows no exchange {name!r}")
    return getattr(ccxt, name)


def _enter_sandbox(client: Client) -> None:
    # ccxt itself raises TypeError for an exchange without one
    if not client.urls.get("test"):
        raise NoExchangeError(f"{client.id} has no sandbox")
    client.set_sandbox_mode(True)


def _all_at(url: str, known: object) -> object:
    """`known`, ccxt's tree of addresses, with every one replaced."""
    if isinstance(known, dict):
        return {name: _all_at(url, inner) for name, inner in known.items()}
    return url


def _exact(text: str) -> Any:
    """ccxt reads `0.1` in an array as a float; as text its own helpers make a Decimal of it."""
    return json.loads(text, parse_float=str)


def _quiet() -> logging.Logger:
    """At DEBUG ccxt logs headers, and in them the key."""
    logger = logging.getLogger(f"{__name__}.wire")
    logger.setLevel(logging.WARNING)
    return logger


def _take_turns(client: Client, owner: NonceOwner) -> None:
    """Send each signed call in a turn, with its nonce and without ccxt's limiter.

    ccxt asks for a nonce in the middle of `sign`, where nobody can wait for one; its limiter knows
    of one process only.
    """
    unsigned = client.request

    async def request(
        path: str,
        api: list[str],
        method: str = "GET",
        params: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> Any:
        if api[0] == "public":
            return await unsigned(path, api, method, params or {}, config or {})
        async with owner.turn() as nonce:
            client.incrementing_nonce = client.nonce = lambda: nonce
            signed = client.sign(path, api, method, params or {})
            return await client.fetch(
                signed["url"], signed["method"], signed["headers"], signed["body"]
            )

    client.request = request
