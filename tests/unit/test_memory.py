"""Threads and the memory that libc keeps for them."""

import os
import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, re, threading
from gateway.memory import share_one_arena

share_one_arena()
libc, everybody = ctypes.CDLL(None), threading.Barrier(9)
libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p

def work():
    libc.malloc(4096)
    everybody.wait()

for _ in range(8):
    threading.Thread(target=work).start()
everybody.wait()
starts = re.findall(r"^([0-9a-f]+)-[0-9a-f]+ rw-p 00000000 00:00 0 *$", open("/proc/self/maps").read(), re.M)
print(sum(int(start, 16) % (64 << 20) == 0 for start in starts))  # glibc's arenas begin there
"""


def arenas(**environment: str) -> int:
    """How many there are beside the first where eight threads allocate."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"MALLOC_ARENA_MAX", "GLIBC_TUNABLES"}
    }
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        env={**inherited, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libcs have no arenas")
def test_threads_share_one_arena_unless_the_environment_says_otherwise() -> None:
    assert arenas() == 0
    assert arenas(MALLOC_ARENA_MAX="4") == 3
