"""Which rules a request's Host chooses, as Flask's `create_url_adapter` decides. Pure."""

from collections.abc import Mapping
from typing import Final

from gateway.door.rules import Door, Hosts

_STANDARD: Final = {"http": ":80", "https": ":443"}
NOWHERE: Final = "<invalid>"  # the subdomain of a foreign host


def domain_of(door: Door, found: Mapping[bytes, bytes], scheme: str) -> str:
    """The domain part to look rules up by: the host, or what stands before the server's name."""
    host = _without_port(found.get(b"host", b"").decode("latin-1").lower(), scheme)
    if door.hosts is Hosts.HOST:
        return host
    current = host.split(".")
    server = _without_port(door.server_name, scheme).split(".") if door.server_name else current
    if current[-len(server) :] != server:
        return NOWHERE
    return ".".join(part for part in current[: -len(server)] if part)


def _without_port(host: str, scheme: str) -> str:
    return host.removesuffix(_STANDARD.get(scheme, ""))
