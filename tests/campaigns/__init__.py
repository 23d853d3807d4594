"""Long runs that are started by hand; their results stand in `docs/`."""
