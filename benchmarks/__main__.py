"""Everything that docs/performance.md says, measured anew: `make bench`, or `python -m benchmarks PART …`.

Parts run one after the other, each in a process of its own, each side by side with its peers. Then the table
of targets is made of what was kept. The soak is a command of its own: `python -m benchmarks.soak`.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks import (
    bulk,
    idle,
    instructions,
    observers,
    page,
    reload,
    routing,
    shadow,
    soak,
    startup,
)
from benchmarks.install import install
from benchmarks.peers.targets import targets as peers
from benchmarks.servers import ROOT
from benchmarks.target import Target

_PARTS: Final = (
    "peers", "instructions", "observers", "routing", "reload", "startup", "connections", "idle", "bodies",
    "bulk", "workers", "slow_clients", "shadow", "remote_client", "one_gil", "async_services", "async_gain",
)  # fmt: skip
_SHORTER: Final = {  # than alone, so that all of them take 20 minutes
    "async_gain": ("--rounds", "2"),
    "async_services": ("--rounds", "2"),
    "bodies": ("--rounds", "2"),
    "bulk": ("--rounds", "3"),
    "connections": ("--connections", "1", "32", "500", "2000"),
    "one_gil": ("--rounds", "2"),
    "peers": ("--rounds", "9", "--seconds", "1", "--steady-rounds", "2"),
    "reload": ("--rounds", "2"),
    "shadow": ("--rounds", "5", "--seconds", "3"),
    "slow_clients": ("--seconds", "8"),
    "startup": ("--rounds", "3"),
    "workers": ("--rounds", "2"),
}
_TARGETS: Final[dict[str, Callable[[Any], list[Target]]]] = {  # by the name under which it is kept
    "peers": peers,
    "instructions": instructions.targets,
    "observers": observers.targets,
    "routing": routing.targets,
    "reload": reload.targets,
    "startup": startup.targets,
    "idle": idle.targets,
    "bulk": bulk.targets,
    "soak": soak.targets,
    "shadow": shadow.targets,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}")
    parts = parser.parse_args().parts or _PARTS
    unknown = [part for part in parts if part not in _PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    install()
    failed = [part for part in parts if not _measured(part)]
    page.put("targets", table(list(_targets())))
    if failed:
        raise SystemExit(f"not measured: {', '.join(failed)}")


def table(targets: list[Target]) -> str:
    lines = [
        f"| {one.id} | {one.what} | {one.target} | {one.measured} | {'met' if one.met else 'missed'} |"
        for one in sorted(targets, key=_order)
    ]
    head = ["| | what | target | measured | |", "|---|---|---|---|---|"]
    return "\n".join([*head, *lines])


def _measured(part: str) -> bool:
    began = time.monotonic()
    print(f"== {part}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{part}", "--keep", *_SHORTER.get(part, ())]
    done = subprocess.run(command, cwd=ROOT, check=False)
    print(f"== {part}: {time.monotonic() - began:.0f} s\n", flush=True)
    return done.returncode == 0


def _targets() -> Iterator[Target]:
    for name, made in _TARGETS.items():
        kept = page.RESULTS / f"{name}.json"
        if kept.exists():
            yield from made(json.loads(kept.read_text())["raw"])


def _order(target: Target) -> tuple[int, str]:
    number = target.id.removeprefix("P").rstrip("abcdefgh")
    return int(number), target.id


if __name__ == "__main__":
    main()
