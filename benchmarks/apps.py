"""The smallest pair of apps, in one module; a server that runs one of them imports that one alone."""

from benchmarks.legacy_app import legacy
from benchmarks.modern_app import modern

__all__ = ["legacy", "modern"]
