"""What the edge takes from the settings. Pure."""

from dataclasses import dataclass

from gateway.head import Network, trusts


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds; the defaults are gunicorn's and the settings'."""

    line: int = 4094
    field: int = 8190
    fields: int = 100
    head_timeout: float = 10.0
    body_timeout: float = 30.0
    keep_alive: float = 30.0
    send_timeout: float = 60.0
    send_buffer: int = 0  # the socket's own; 0: as the system has it
    trusted: tuple[Network, ...] = ()

    @property
    def head(self) -> int:
        """The most a head without its request line can be."""
        return self.fields * (self.field + 2) + 4


def is_trusted(peer: str | None, networks: tuple[Network, ...]) -> bool:
    """Whether a peer may say which scheme its client used; one on a Unix socket, without address, may."""
    return peer is None or trusts(networks, peer)
