"""A stack behind HTTP."""
