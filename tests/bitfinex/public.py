"""What Bitfinex tells anybody."""

from collections.abc import Mapping
from typing import Any

from shared_services.exchange.port import ExchangeFailedError, ExchangePort
from tests.bitfinex import arrays

Answer = tuple[int, Any]


async def answer(exchange: ExchangePort, path: str, query: Mapping[str, str]) -> Answer:
    """Status and content for a path behind /v2/."""
    try:
        found = await _find(exchange, path.split("/"), query)
    except ExchangeFailedError:
        return 500, arrays.error(10020, "symbol: invalid")
    return (404, arrays.error(10020, f"no such path: {path}")) if found is None else (200, found)


async def _find(exchange: ExchangePort, path: list[str], query: Mapping[str, str]) -> Any:
    match path:
        case ["platform", "status"]:
            return [1]
        case ["conf", names]:
            return [await _configuration(exchange, name) for name in names.split(",")]
        case ["tickers"]:
            return await _tickers(exchange, query["symbols"])
        case ["candles", named, "hist"]:
            return await _candles(exchange, named, int(query["limit"]))
        case [kind, market, *_]:
            return await _of_market(exchange, kind, arrays.symbol_of(market), query)
    return None


async def _of_market(
    exchange: ExchangePort, kind: str, symbol: str, query: Mapping[str, str]
) -> Any:
    match kind:
        case "ticker":
            return arrays.ticker(await exchange.ticker(symbol))
        case "book":
            return arrays.book(await exchange.order_book(symbol, int(query["len"])))
        case "trades":
            trades = await exchange.trades(symbol, int(query["limit"]))
            return [arrays.public_trade(one) for one in reversed(trades)]
    return None


async def _configuration(exchange: ExchangePort, name: str) -> list[Any]:
    instruments = (await exchange.instruments()).values()
    match name.removeprefix("pub:"):
        case "info:pair":
            return [arrays.pair_info(one) for one in instruments]
        case "list:pair:margin":
            return [
                arrays.market_id(one.symbol)[1:] for one in await exchange.listings() if one.margin
            ]
        case "list:currency":
            return sorted({name for one in instruments for name in (one.base, one.quote)})
    return []


async def _tickers(exchange: ExchangePort, markets: str) -> list[Any]:
    return [
        [market, *arrays.ticker(await exchange.ticker(arrays.symbol_of(market)))]
        for market in markets.split(",")
    ]


async def _candles(exchange: ExchangePort, named: str, limit: int) -> list[Any]:
    """`named` is like `trade:1h:tBTCUSD`; the newest bar first, as Bitfinex has them."""
    _, timeframe, market = named.split(":", maxsplit=2)
    short = {"1D": "1d", "7D": "1w"}.get(timeframe, timeframe)
    bars = await exchange.candles(arrays.symbol_of(market), short, limit)
    return [arrays.candle(bar) for bar in reversed(bars)]
