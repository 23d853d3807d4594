"""Instructions per request of the hot path, counted by callgrind: `python -m benchmarks.instructions`.

    python -m benchmarks.instructions --keep                      # every case, into docs/performance.md
    python -m benchmarks.instructions --case "gateway, 100 %"     # one; --profile FILE for callgrind_annotate
    python -m benchmarks.instructions --check                     # as `make bench-quick` does

Unlike times they are the same on a busy machine. A case runs N and 2 N requests after a warm-up; the
difference divided by N is the cost of one (`benchmarks.counted` has the cases). The check
counts what is ours alone, divides by uvicorn with an app that does nothing, as a yardstick for the build of
Python, and compares with what was kept.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from typing import Any, Final

from benchmarks import page
from benchmarks.counted import BATCH, CASES, DUMPS
from benchmarks.servers import ROOT
from benchmarks.target import Target

YARDSTICK: Final = "uvicorn, raw app"
INTERPRETED: Final = ", interpreted"  # behind a case's name: as if nothing had been compiled
CHECKED: Final = (
    "gateway, raw app",
    f"gateway, raw app{INTERPRETED}",
    "Flask, bridge",
    f"Flask, bridge{INTERPRETED}",
    "remote client",
)
ALL: Final = (
    *CASES,
    *(f"{case}{INTERPRETED}" for case in ("gateway, 100 %", "gateway, raw app", "Flask, bridge")),
)
ALLOWED: Final = 1.05  # of what was kept; repeats differ by less than 1 %
_BRIDGE: Final = 60_000  # instructions, the target
_TOTALS: Final = re.compile(r"^totals: (\d+)", re.MULTILINE)


def counted(
    cases: Sequence[str], *, interpreted: bool = False, profile: Path | None = None
) -> list[float]:
    """Instructions of one request of each case, in one process: to start it takes longer than to count."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
        command += [f"--callgrind-out-file={out}", sys.executable, "-m"]
        command += ["benchmarks.interpreted"] if interpreted else []
        done = subprocess.run(
            [*command, "benchmarks.counted", *cases],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{cases}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        if profile is not None:
            shutil.copy(f"{out}.{DUMPS}", profile)
        totals = [_total(Path(f"{out}.{part + 1}")) for part in range(DUMPS * len(cases))]
        once, twice = totals[1::DUMPS], totals[2::DUMPS]
        return [(b - a) / BATCH for a, b in zip(once, twice, strict=True)]


def count_all(cases: Iterable[str]) -> dict[str, float]:
    """Instructions per request by case; two processes count at a time.

    What ran before in a process moves a case by up to 1 %: those of Flask begin one, by their place in CASES.
    """
    names = list(cases)
    compiled = [name for name in names if not name.endswith(INTERPRETED)]
    others = [name for name in names if name.endswith(INTERPRETED)]
    half = ceil(len(compiled) / 2)

    def together(group: Sequence[str]) -> dict[str, float]:
        bare = [name.removesuffix(INTERPRETED) for name in group]
        return dict(zip(group, counted(bare, interpreted=group is others), strict=True))

    with ThreadPoolExecutor(2) as threads:
        found = ChainMap(*threads.map(together, [compiled[:half], compiled[half:], others]))
        return {name: found[name] for name in names}


def grown(now: Mapping[str, float], kept: Mapping[str, float]) -> list[str]:
    """What is above ALLOWED times what was kept, both in yardsticks; one line for each."""
    found = []
    for case in CHECKED:
        if case not in kept:
            found.append(f"{case}: no count was kept of it")
            continue
        ratio = (now[case] / now[YARDSTICK]) / (kept[case] / kept[YARDSTICK])
        if ratio > ALLOWED:
            found.append(
                f"{case}: {ratio:.3f} times what was kept ({now[case]:.0f} instructions); "
                f"at most {ALLOWED} is allowed"
            )
    return found


def targets(raw: Mapping[str, Any]) -> list[Target]:
    bridge, flask = raw["counts"]["Flask, bridge"], raw["counts"]["Flask, called directly"]
    return [
        Target(
            "P13",
            "instructions that the bridge adds to Flask",
            f"at most {_BRIDGE:,}",
            f"{bridge - flask:,.0f}",
            bridge - flask <= _BRIDGE,
        )
    ]


def table(counts: Mapping[str, float]) -> str:
    lines = [f"| {name} | {count:,.0f} |" for name, count in counts.items()]
    return "\n".join(["| case | instructions per request |", "|---|---|", *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=ALL)
    parser.add_argument("--profile", type=Path, help="keep callgrind's profile of the case here")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--check", action="store_true", help="fail if the hot path has grown")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("callgrind is needed: apt install valgrind")
    if options.case:
        bare = options.case.removesuffix(INTERPRETED)
        (found,) = counted([bare], interpreted=bare != options.case, profile=options.profile)
        print(f"{found:.0f}")
    elif options.check:
        _check()
    else:
        counts = count_all(ALL)
        print(table(counts))
        if options.keep:
            raw = {"counts": counts}
            page.keep("instructions", raw, f"{table(counts)}\n\n{page.measured()}")


def _check() -> None:
    kept = json.loads((page.RESULTS / "instructions.json").read_text())
    ours, theirs = platform.python_version_tuple()[:2], kept["machine"]["python"].split(".")[:2]
    if list(ours) != theirs:
        raise SystemExit(
            f"counts were kept by Python {'.'.join(theirs)}, this is {'.'.join(ours)}: "
            "another interpreter's cannot be compared"
        )
    if not page.compiled():
        raise SystemExit("the hot path is not compiled: make compile")
    now = count_all((YARDSTICK, *CHECKED))
    print(table(now))
    problems = grown(now, kept["raw"]["counts"])
    if problems:
        problems.append("If it is worth that, keep the new counts: benchmarks.instructions --keep")
        raise SystemExit("\n".join(problems))


def _total(dump: Path) -> int:
    found = _TOTALS.search(dump.read_text())
    if found is None:
        raise SystemExit(f"{dump} holds no total")
    return int(found[1])


if __name__ == "__main__":
    main()
