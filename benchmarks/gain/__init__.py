"""The parts of `benchmarks.async_gain`."""
