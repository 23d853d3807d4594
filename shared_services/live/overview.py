"""One market from its bars, its ticker and its order book. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import stdev

from shared_services.exchange.model import Candle, OrderBook, Ticker
from shared_services.live.model import DataQuality, LiveMarket


def market(
    symbol: str, bars: Sequence[Candle], ticker: Ticker, book: OrderBook, now: int
) -> LiveMarket | None:
    """None if there is no bar, or no price to buy or to sell at."""
    if not bars or not book.bids or not book.asks:
        return None
    bid, ask = book.bids[0].price, book.asks[0].price
    return LiveMarket(
        symbol=symbol,
        current_price=bars[-1].close,
        best_bid=bid,
        best_ask=ask,
        spread=ask - bid,
        volume_24h=ticker.volume,
        price_change_24h=ticker.change,
        price_change_pct=ticker.change_percent,
        volatility_pct=volatility(bars),
        data_quality=DataQuality(
            data_freshness_seconds=max(0, now - ticker.timestamp) / 1000,
            ohlcv_rows=len(bars),
            orderbook_levels=len(book.bids) + len(book.asks),
            ticker_complete=min(ticker.bid, ticker.ask, ticker.last) > 0,
        ),
        timestamp=now,
    )


def volatility(bars: Sequence[Candle]) -> float:
    """Sample standard deviation of the changes from close to close, in percent; 0 of too few."""
    closes = [float(bar.close) for bar in bars]
    changes = [(after - before) / before for before, after in pairwise(closes) if before]
    return stdev(changes) * 100 if len(changes) > 1 else 0.0
