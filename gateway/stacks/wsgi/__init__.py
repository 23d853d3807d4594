"""Flask in this process."""
