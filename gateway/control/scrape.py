"""The data plane's metrics as the control plane reads them: of this process, or of all workers."""

import os
import re
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway.observe.folder import VARIABLE

_GAUGE_FILE = re.compile(r"gauge_live\w*_(\d+)\.db")


def registry() -> CollectorRegistry:
    """What `/metrics` shows: with several workers the sum of their files, else this process."""
    directory = os.environ.get(VARIABLE)
    if directory is None:
        return REGISTRY
    _forget_the_dead(Path(directory))
    merged = CollectorRegistry()
    if not Path(directory).is_dir():  # somebody removed it: there is nothing to tell
        return merged
    MultiProcessCollector(merged, path=directory)  # type: ignore[no-untyped-call]
    return merged


def _forget_the_dead(directory: Path) -> None:
    """A killed worker leaves its gauges behind; its counters and histograms go on counting."""
    for file in directory.glob("gauge_live*.db"):
        named = _GAUGE_FILE.fullmatch(file.name)
        if named and not Path(f"/proc/{named[1]}").exists():
            mark_process_dead(int(named[1]), path=str(directory))  # type: ignore[no-untyped-call]
