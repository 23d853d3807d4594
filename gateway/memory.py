"""How libc keeps the memory of a process with many threads."""

import ctypes
import os
from typing import Final

_ARENA_MAX: Final = -8  # M_ARENA_MAX of glibc's <malloc.h>
_TOLD: Final = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")


def share_one_arena() -> None:
    """All threads allocate in one place, unless the environment says otherwise; other libcs do anyway.

    glibc gives threads arenas of their own. The interpreter lets one thread run at a time, so these save
    little waiting, and in each stays what its threads have freed: with half the load and an edit of the plan
    twice a minute they grew by 0.5 MiB a minute, and nothing else did.
    """
    if any(name in os.environ for name in _TOLD):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
