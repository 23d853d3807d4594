"""The strategies: one algorithm a name, in backtests, analyses and the bot."""
