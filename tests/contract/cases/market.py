"""Sections 5.4 and 5.5: market data and order books. Quirks K1, K2, K6 and K16, bug B24."""

from typing import Any

from tests.contract.case import Case, get
from tests.contract.exchanges import ClosedMarkets, HighVenue, failing_port, two_venues
from tests.contract.outage import outages
from tests.contract.world import World
from tests.drive import Request

OHLCV = "/api/market/ohlcv/BTCUSD"
BOOK = "/api/market/orderbook/BTCUSD"
TICKER = "/api/market/ticker/BTCUSD"
MARKETS = "/api/market/markets"
VENUE = "/api/orderbook/BTCUSD"
AGGREGATE = "/api/orderbook/BTCUSD/aggregate"

WITHOUT = "Exchange service not available"
NO_BOOK = {
    "error": WITHOUT,
    "message": "Live orderbook required for trading - no fallback data",
}
NO_BOOK_NOW = "Live orderbook unavailable - no fallback data"
BAD_LIMIT = {"error": "Invalid limit: must be a positive integer"}
BARS: list[dict[str, Any]] = [
    {
        "close": 39950.0,
        "high": 39980.0,
        "low": 39890.0,
        "open": 39900.0,
        "timestamp": 1699999500000,
        "volume": 3.2,
    },
    {
        "close": 40000.0,
        "high": 40020.0,
        "low": 39930.0,
        "open": 39950.0,
        "timestamp": 1699999800000,
        "volume": 2.7,
    },
]
TWO_LEVELS: dict[str, Any] = {
    "asks": [{"amount": 1.2, "price": 40010.0}, {"amount": 0.8, "price": 40020.0}],
    "bids": [{"amount": 1.5, "price": 39990.0}, {"amount": 2.0, "price": 39980.0}],
    "symbol": "BTC/USD",
    "timestamp": 1700000000000,
}
ONE_LEVEL = TWO_LEVELS | {"asks": TWO_LEVELS["asks"][:1], "bids": TWO_LEVELS["bids"][:1]}
PRICES = {
    "ask": 40010.0,
    "bid": 39990.0,
    "last": 40000.0,
    "symbol": "BTC/USD",
    "timestamp": 1700000000000,
    "volume": 1234.5,
}


def market(base: str, quote: str) -> dict[str, Any]:
    return {
        "active": True,
        "base": base,
        "contract": False,
        "future": False,
        "margin": True,
        "option": False,
        "quote": quote,
        "spot": True,
        "type": "spot",
    }


def unknown(route: str, target: str, symbol: str, message: str) -> Case:
    error = f"Exchange error: unknown symbol {symbol}"
    return Case(
        route,
        f"an unknown symbol: {target}",
        get(target),
        503,
        {"error": error, "message": message},
    )


def bad_limits(route: str, target: str) -> list[Case]:
    return [
        Case(route, f"limit={limit}", get(f"{target}?limit={limit}"), 400, BAD_LIMIT)
        for limit in ("abc", "0", "-1", "1.5", "", "1e3", "%D9%A3")
    ]


def _market_cases() -> list[Case]:
    ohlcv, ticker = "Live market data unavailable", "Live ticker unavailable"
    return [
        Case("market.ohlcv", "two bars, oldest first", get(f"{OHLCV}?limit=2"), 200, BARS),
        Case(
            "market.ohlcv",
            "of a repeated parameter the first counts",
            get(f"{OHLCV}?limit=%202%20&limit=9&timeframe=5m&timeframe=7m"),
            200,
            BARS,
        ),
        Case(
            "market.ohlcv",
            "bytes",
            get(f"{OHLCV}?timeframe=1h&limit=1"),
            200,
            b'[{"close":40000.0,"high":40020.0,"low":39930.0,"open":39950.0,'
            b'"timestamp":1699999200000,"volume":2.7}]\n',
        ),
        *(
            Case(
                "market.ohlcv",
                f"unknown timeframe {text}",
                get(f"{OHLCV}?timeframe={text}"),
                400,
                {"error": f"Invalid timeframe: {text}"},
            )
            for text in ("7m", "", "1H")
        ),
        Case(
            "market.ohlcv",
            "the timeframe is checked before the limit",
            get(f"{OHLCV}?timeframe=7m&limit=abc"),
            400,
            {"error": "Invalid timeframe: 7m"},
        ),
        *bad_limits("market.ohlcv", OHLCV),
        unknown("market.ohlcv", "/api/market/ohlcv/FOOUSD", "FOO/USD", ohlcv),
        unknown("market.ohlcv", "/api/market/ohlcv/btcusd", "btcusd", ohlcv),
        unknown("market.ohlcv", "/api/market/ohlcv/BTC", "BTC", ohlcv),
        *outages(
            "market.ohlcv",
            get(OHLCV),
            {"error": WITHOUT, "message": "Live data required for trading - no fallback data"},
            ohlcv,
        ),
        Case("market.orderbook", "two levels", get(f"{BOOK}?limit=2"), 200, TWO_LEVELS),
        Case(
            "market.orderbook",
            "a large limit is cut without a word",
            get(f"{BOOK}?limit=100000000000000000000"),
            200,
        ),
        *bad_limits("market.orderbook", BOOK),
        unknown("market.orderbook", "/api/market/orderbook/FOOUSD", "FOO/USD", NO_BOOK_NOW),
        *outages("market.orderbook", get(BOOK), NO_BOOK, NO_BOOK_NOW),
        Case(
            "market.ticker",
            "bytes",
            get(TICKER),
            200,
            b'{"ask":40010.0,"bid":39990.0,"last":40000.0,"symbol":"BTC/USD",'
            b'"timestamp":1700000000000,"volume":1234.5}\n',
        ),
        Case("market.ticker", "a query does not matter", get(f"{TICKER}?limit=x"), 200, PRICES),
        unknown("market.ticker", "/api/market/ticker/ABC", "ABC", ticker),
        unknown("market.ticker", "/api/market/ticker/%3Cb%3EUSD", "<b>/USD", ticker),
        Case("market.ticker", "an encoded slash", get("/api/market/ticker/BTC%2FUSD"), 404),
        *outages(
            "market.ticker",
            get(TICKER),
            {"error": WITHOUT, "message": "Live ticker required for trading - no fallback data"},
            ticker,
        ),
        Case(
            "market.markets",
            "by symbol",
            get(MARKETS),
            200,
            {
                "BTC/USD": market("BTC", "USD"),
                "ETH/USD": market("ETH", "USD"),
                "TESTBTC/TESTUSD": market("TESTBTC", "TESTUSD"),
                "TESTETH/TESTUSD": market("TESTETH", "TESTUSD"),
            },
        ),
        Case(
            "market.markets",
            "what is not active is left out",
            get(MARKETS),
            200,
            {"BTC/USD": market("BTC", "USD")},
            world=World("closed markets", port=ClosedMarkets),
        ),
        *outages(
            "market.markets",
            get(MARKETS),
            {"error": WITHOUT, "message": "Cannot fetch available markets"},
            "Cannot fetch markets",
        ),
    ]


TWO = World("two exchanges", venues=two_venues())
HALF = World("two exchanges, one of them down", venues=two_venues(kraken=failing_port("no route")))
UNUSABLE = World("two exchanges, one of them without keys", venues=two_venues(kraken=None))
BOTH_DOWN = World(
    "two exchanges down",
    venues=two_venues(bitfinex=failing_port("maintenance"), kraken=failing_port("no route")),
)
NEITHER = World("two exchanges without keys", venues=two_venues(bitfinex=None, kraken=None))
MERGED: dict[str, Any] = {
    "asks": [{"amount": 1.2, "exchanges": {"bitfinex": 1.2}, "price": 40010.0}],
    "bids": [{"amount": 2.0, "exchanges": {"bitfinex": 1.5, "kraken": 0.5}, "price": 39990.0}],
    "crossed": False,
    "exchanges": ["bitfinex", "kraken"],
    "symbol": "BTC/USD",
    "timestamp": 1699999999000,
}
FIRST_ALONE = MERGED | {
    "bids": [{"amount": 1.5, "exchanges": {"bitfinex": 1.5}, "price": 39990.0}],
    "exchanges": ["bitfinex"],
    "timestamp": 1700000000000,
}


def _book_cases() -> list[Case]:
    return [
        Case(
            "orderbook.get",
            "the trading exchange by default",
            get(f"{VENUE}?limit=1"),
            200,
            ONE_LEVEL | {"exchange": "paper"},
        ),
        Case(
            "orderbook.get",
            "the first of several",
            get(f"{VENUE}?limit=1"),
            200,
            ONE_LEVEL | {"exchange": "bitfinex"},
            world=TWO,
        ),
        Case(
            "orderbook.get",
            "a named one",
            get(f"{VENUE}?limit=1&exchange=kraken&exchange=foo"),
            200,
            {
                "asks": [{"amount": 1.0, "price": 40015.0}],
                "bids": [{"amount": 0.5, "price": 39990.0}],
                "exchange": "kraken",
                "symbol": "BTC/USD",
                "timestamp": 1699999999000,
            },
            world=TWO,
        ),
        *(
            Case(
                "orderbook.get",
                f"an unknown exchange: {name or 'empty'}",
                get(f"{VENUE}?exchange={name}"),
                400,
                {"details": ["bitfinex", "kraken"], "error": f"Unknown exchange: {name}"},
                world=TWO,
            )
            for name in ("foo", "", "KRAKEN")
        ),
        Case(
            "orderbook.get",
            "the limit is checked before the exchange",
            get(f"{VENUE}?exchange=foo&limit=x"),
            400,
            BAD_LIMIT,
        ),
        *bad_limits("orderbook.get", VENUE),
        unknown("orderbook.get", "/api/orderbook/FOOUSD", "FOO/USD", NO_BOOK_NOW),
        Case(
            "orderbook.get",
            "of the one that fails",
            get(f"{VENUE}?exchange=kraken"),
            503,
            {"error": "Exchange error: no route", "message": NO_BOOK_NOW},
            world=HALF,
        ),
        Case(
            "orderbook.get",
            "of the one without keys",
            get(f"{VENUE}?exchange=kraken"),
            503,
            NO_BOOK,
            world=UNUSABLE,
        ),
        *outages("orderbook.get", get(VENUE), NO_BOOK, NO_BOOK_NOW),
        Case(
            "orderbook.aggregate",
            "two exchanges",
            get(f"{AGGREGATE}?limit=1"),
            200,
            MERGED,
            world=TWO,
        ),
        Case(
            "orderbook.aggregate",
            "the trading exchange alone",
            get(f"{AGGREGATE}?limit=1"),
            200,
            b'{"asks":[{"amount":1.2,"exchanges":{"paper":1.2},"price":40010.0}],'
            b'"bids":[{"amount":1.5,"exchanges":{"paper":1.5},"price":39990.0}],"crossed":false,'
            b'"exchanges":["paper"],"symbol":"BTC/USD","timestamp":1700000000000}\n',
        ),
        Case(
            "orderbook.aggregate",
            "one that fails is named and left out",
            get(f"{AGGREGATE}?limit=1"),
            200,
            FIRST_ALONE | {"errors": {"kraken": "no route"}},
            world=HALF,
        ),
        Case(
            "orderbook.aggregate",
            "one without keys as well",
            get(f"{AGGREGATE}?limit=1"),
            200,
            FIRST_ALONE | {"errors": {"kraken": "Exchange service not configured"}},
            world=UNUSABLE,
        ),
        Case(
            "orderbook.aggregate",
            "all of them fail",
            get(AGGREGATE),
            503,
            {
                "error": "Exchange error: bitfinex: maintenance; kraken: no route",
                "message": NO_BOOK_NOW,
            },
            world=BOTH_DOWN,
        ),
        Case("orderbook.aggregate", "none has keys", get(AGGREGATE), 503, NO_BOOK, world=NEITHER),
        Case(
            "orderbook.aggregate",
            "crossed books are shown as they are",
            get(f"{AGGREGATE}?limit=1"),
            200,
            {
                "asks": [{"amount": 1.2, "exchanges": {"bitfinex": 1.2}, "price": 40010.0}],
                "bids": [{"amount": 0.5, "exchanges": {"kraken": 0.5}, "price": 40010.0}],
                "crossed": True,
                "exchanges": ["bitfinex", "kraken"],
                "symbol": "BTC/USD",
                "timestamp": 1699999999000,
            },
            world=World("crossed books", venues=two_venues(kraken=HighVenue)),
        ),
        *bad_limits("orderbook.aggregate", AGGREGATE),
        unknown("orderbook.aggregate", "/api/orderbook/FOOUSD/aggregate", "FOO/USD", NO_BOOK_NOW),
        *outages("orderbook.aggregate", get(AGGREGATE), NO_BOOK, NO_BOOK_NOW),
        Case(
            "orderbook.aggregate",
            "HEAD when all fail",
            Request("HEAD", AGGREGATE),
            503,
            b"",
            world=BOTH_DOWN,
        ),
    ]


CASES = [*_market_cases(), *_book_cases()]
