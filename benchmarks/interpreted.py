"""Runs a module as if nothing of the gateway were compiled: `python -m benchmarks.interpreted MODULE …`."""

import runpy
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from typing import Final

_GATEWAY: Final = str(Path(__file__).parents[1] / "gateway")


def _finder(path: str) -> FileFinder:
    """Finds sources only. Raises ImportError for other folders than the gateway's."""
    if not path.startswith(_GATEWAY):
        raise ImportError(path)
    return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))


if __name__ == "__main__":
    sys.path_hooks.insert(0, _finder)
    sys.path_importer_cache.clear()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
