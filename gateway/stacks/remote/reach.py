"""How a remote stack is connected to, and which addresses are nobody's stack.

Link-local addresses are where clouds tell machines their credentials; what a client asks must never be
asked there, whatever a name resolves to on the day. The gateway's own addresses would be a loop.
"""

import errno
import os
import socket
import ssl
from asyncio import BaseProtocol, get_running_loop, timeout
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Protocol, TypeVar

from gateway.faults import NOBODYS, UNREACHABLE
from gateway.settings import Settings
from gateway.stacks.address import Remote, StackNotFound
from gateway.stacks.remote.failure import StackFailed

Wire = TypeVar("Wire", bound=BaseProtocol)


class Dial(Protocol):
    """Makes a connection with a protocol of the caller's. Raises StackFailed."""

    def __call__(self, factory: Callable[[], Wire], /) -> Awaitable[Wire]: ...


_METADATA: Final = tuple(
    ip_network(network)
    for network in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "100.100.100.200")
)
_EXHAUSTED: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN}
)


def check_reach(address: Remote, settings: Settings) -> None:
    """Raises StackNotFound for a metadata address and for this gateway's own. Resolves names."""
    if address.path:
        return
    found = _resolved(address)
    for ip in found:
        if is_metadata(ip):
            raise StackNotFound(
                f"{address.setting}={str(address)!r} is {ip}, a link-local or metadata address; "
                "no stack is served there"
            )
    own = {
        "data plane": (settings.host, settings.port),
        "control plane": (settings.control_host, settings.control_port),
        "probe port": (settings.probe_host, settings.probe_port),
    }
    for name, (host, port) in own.items():
        if address.port == port and any(_is_own(ip, host) for ip in found):
            raise StackNotFound(
                f"{address.setting}={str(address)!r} is this gateway's own {name} at {host}:{port}: "
                "requests would go round in a loop; name the address where the app is served"
            )


def is_metadata(ip: str) -> bool:
    """Whether an IP address is link-local or one where a cloud serves credentials."""
    try:
        parsed = ip_address(ip.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in _METADATA)


def connector(address: Remote, seconds: float) -> Dial:
    """What connects to `address` in at most `seconds`, or raises StackFailed."""
    tls = ssl.create_default_context() if address.tls else None

    async def dial(factory: Callable[[], Wire]) -> Wire:
        loop = get_running_loop()
        try:
            async with timeout(seconds):
                if address.path:
                    _, made = await loop.create_unix_connection(factory, address.path)
                    return made
                host, port = address.host, address.port
                transport, made = await loop.create_connection(factory, host, port, ssl=tls)
        except TimeoutError:
            raise StackFailed(504, f"no connection within {seconds:g} s", UNREACHABLE) from None
        except OSError as error:
            raise _failed(error) from error
        peer = transport.get_extra_info("peername")[0]
        if is_metadata(peer):
            transport.abort()
            raise StackFailed(502, f"the name leads to {peer}, a metadata address", UNREACHABLE)
        return made

    return dial


def _failed(error: OSError) -> StackFailed:
    if isinstance(error, socket.gaierror):
        return StackFailed(502, "its name cannot be resolved", UNREACHABLE)
    if isinstance(error, ssl.SSLCertVerificationError):
        return StackFailed(
            502, f"its certificate is not valid: {error.verify_message}", UNREACHABLE
        )
    if isinstance(error, ssl.SSLError):
        return StackFailed(502, f"TLS failed: {error.reason}", UNREACHABLE)
    if error.errno in _EXHAUSTED:
        return StackFailed(503, "the gateway has no free descriptor or port", NOBODYS)
    # Without the address: the client need not know it.
    why = os.strerror(error.errno).lower() if error.errno else "nobody listens"
    return StackFailed(502, why, UNREACHABLE)


def _resolved(address: Remote) -> list[str]:
    """Nothing for a name that is not known: the stack may come later."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(entry[4][0]) for entry in found]


def _is_own(ip: str, host: str) -> bool:
    """Whether a listener on `host` hears what is sent to `ip`."""
    target, own = ip_address(ip.partition("%")[0]), set(_addresses(host))
    if target.is_unspecified:
        return any(one.is_loopback or one.is_unspecified for one in own)
    return target in own or (any(one.is_unspecified for one in own) and _is_here(ip))


def _is_here(ip: str) -> bool:
    """Whether it is an address of this machine: only those can be bound."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((ip, 0))
        except OSError:
            return False
    return True


def _addresses(host: str) -> Iterator[IPv4Address | IPv6Address]:
    for found in _resolved(Remote("", host)):
        yield ip_address(found.partition("%")[0])
