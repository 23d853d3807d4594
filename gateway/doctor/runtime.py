"""Python and the process's limits."""

import resource
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

import gateway
from gateway.doctor.case import Case
from gateway.doctor.model import Finding, error, ok, warning

_NEEDED: Final = ("uvloop", "httptools")
_FEW: Final = 4096  # descriptors: two for a request in flight, and those of the apps


def check_python(_case: Case) -> Iterator[Finding]:
    """What the server needs, and whether each start compiles everything again."""
    found = [*_missing(), *_uncompiled(Path(gateway.__file__))]
    version = ".".join(map(str, sys.version_info[:3]))
    yield from found or [ok(f"{version}, with {' and '.join(_NEEDED)}")]


def check_descriptors(_case: Case) -> Iterator[Finding]:
    """Each connection takes one."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _FEW:
        yield warning(
            f"a process may open {soft} files and connections",
            "`ulimit -n 65536`, or LimitNOFILE=65536 in the systemd unit",
        )
    else:
        yield ok("no limit" if soft < 0 else f"a process may open {soft} files and connections")


def _missing() -> Iterator[Finding]:
    for name in _NEEDED:
        try:
            import_module(name)
        except ImportError as why:
            yield error(
                f"{name} cannot be imported: {why}", f"`{sys.executable} -m pip install {name}`"
            )


def _uncompiled(source: Path) -> Iterator[Finding]:
    if sys.dont_write_bytecode and not Path(cache_from_source(str(source))).exists():
        folder = source.parent.parent
        yield warning(
            "PYTHONDONTWRITEBYTECODE is set and nothing is compiled: every start of every worker "
            "compiles all modules again",
            f"compile once, in the image: `{sys.executable} -m compileall -q {folder}`",
        )
