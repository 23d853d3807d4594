"""The market as it moves: one upstream per symbol and channel, for everybody who listens."""
