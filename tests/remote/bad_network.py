"""A network that loses and delays packets: a wire between two TUN devices, carried by a thread of ours.

The kernel's own tool for it, netem, is a module that many kernels do not have.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from typing import Final

_TUNSETIFF: Final = 0x400454CA
_IFF_TUN_NO_PI: Final = 0x0001 | 0x1000
_MTU: Final = 2048


class BadWire:
    """Carries packets between the devices `here` and `there`, which it makes; ends with `close`."""

    def __init__(self, here: str, there: str) -> None:
        self.loss = 0.0  # share of the packets
        self.delay = (0.0, 0.0)  # seconds each packet takes, between these two
        self._ends = (_device(here), _device(there))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join(5)
        for end in self._ends:
            os.close(end)

    def _carry(self) -> None:
        chance = random.Random(64)
        others = dict(zip(self._ends, reversed(self._ends), strict=True))
        underway: list[tuple[float, int, bytes]] = []  # when it arrives, where, and what
        while not self._over.is_set():
            now = time.monotonic()
            while underway and underway[0][0] <= now:
                _, end, packet = heapq.heappop(underway)
                _put(end, packet)
            patience = min(0.05, underway[0][0] - now) if underway else 0.05
            for end in select.select(self._ends, (), (), patience)[0]:
                packet = _get(end)
                if packet and chance.random() >= self.loss:
                    arrival = time.monotonic() + chance.uniform(*self.delay)
                    heapq.heappush(underway, (arrival, others[end], packet))


def _device(name: str) -> int:
    """Raises OSError where there are no TUN devices or we may not make one."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN_NO_PI))
    return descriptor


def _get(end: int) -> bytes:
    try:
        return os.read(end, _MTU)
    except OSError:  # the device is down
        return b""


def _put(end: int, packet: bytes) -> None:
    try:
        os.write(end, packet)
    except OSError:  # likewise: the packet is lost
        return
