"""Ports for servers that bind later, in another process, or again after a restart."""

import os
import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

_FIRST: Final = 10_000
_OUTGOING: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")  # ip(7); 32768 unless told
_given: Final[set[int]] = set()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has now, that the system gives to no outgoing connection,
    and that neither this process nor one of pytest's that runs beside it has been given before.

    Raises:
        RuntimeError: All of them are taken.
    """
    end = int(_OUTGOING.read_text().split()[0]) if _OUTGOING.exists() else 32_768
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ours = range(_FIRST + worker, end, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    for port in random.sample(ours, len(ours)):
        if port not in _given:
            with suppress(OSError), socket.create_server(("127.0.0.1", port)):
                _given.add(port)
                return port
    raise RuntimeError(f"no port from {_FIRST} to {end - 1} is free on 127.0.0.1")
