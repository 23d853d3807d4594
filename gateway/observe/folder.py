"""Where the metrics of several workers meet. Imports no prometheus-client: that must come after `share`."""

import os
import shutil
from pathlib import Path
from typing import Final

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


def share(parent: Path) -> None:
    """Names a new folder for this start in the environment; those of starts that have ended are removed.

    Raises OSError.
    """
    for old in parent.glob("*"):
        if not Path(f"/proc/{old.name}").exists():
            shutil.rmtree(old, ignore_errors=True)
    folder = parent / str(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ[VARIABLE] = str(folder.resolve())
