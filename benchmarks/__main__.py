"""Everything that docs/performance.md says, measured anew: `make bench`, at most 20 minutes.

Parts run one after the other, each in a process of its own, each side by side with its peers. Then the table
of targets is made of what was kept. The soak is a command of its own: `python -m benchmarks.soak`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from benchmarks import bulk, idle, instructions, observers, page, reload, routing, soak, startup
from benchmarks.install import install
from benchmarks.peers.targets import targets as peers
from benchmarks.servers import ROOT
from benchmarks.target import Target

_PARTS: Final = (
    "peers", "instructions", "observers", "routing", "reload", "startup", "connections", "idle", "bodies",
    "bulk", "workers", "slow_clients", "remote_client", "one_gil", "async_services", "async_gain",
)  # fmt: skip
_TARGETS: Final[dict[str, Callable[[Any], list[Any]]]] = {  # by the name under which it is kept
    "peers": peers,
    "instructions": instructions.targets,
    "observers": observers.targets,
    "routing": routing.targets,
    "reload": reload.targets,
    "startup": startup.targets,
    "idle": idle.targets,
    "bulk": bulk.targets,
    "soak": soak.targets,
}
_NO_SHADOW: Final = Target(
    "P8", "client p99 with 10 % of reads shadowed", "≤ 1.05 times", "no live shadow yet", met=False
)


def main() -> None:
    install()
    failed = [part for part in _PARTS if not _measured(part)]
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
    command = [sys.executable, "-m", f"benchmarks.{part}", "--keep"]
    done = subprocess.run(command, cwd=ROOT, check=False)
    print(f"== {part}: {time.monotonic() - began:.0f} s\n", flush=True)
    return done.returncode == 0


def _targets() -> Iterator[Target]:
    yield _NO_SHADOW
    for name, made in _TARGETS.items():
        kept = page.RESULTS / f"{name}.json"
        if kept.exists():
            yield from (Target(*one) for one in made(json.loads(kept.read_text())["raw"]))


def _order(target: Target) -> tuple[int, str]:
    number = target.id.removeprefix("P").rstrip("abcdefgh")
    return int(number), target.id


if __name__ == "__main__":
    main()
