"""Live exchanges, through ccxt: an extra, imported when one is opened."""
