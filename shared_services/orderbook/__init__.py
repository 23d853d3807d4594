"""Order books of several exchanges, each and merged."""
