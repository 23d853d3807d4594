"""Market data: tickers, candles and markets of the exchange."""
