"""Market data and order books."""

from hypothesis import strategies as st

from fastapi_app.market import schemas
from fastapi_app.orderbook.schemas import MergedBookOut, VenueBookOut
from legacy_flask.wire import market as wire
from shared_services.exchange.model import Candle, Level, Listing, OrderBook, Ticker
from shared_services.orderbook.model import MergedBook, MergedLevel, VenueBook
from tests.contract.shape import Pair, built, money, text

_levels = st.lists(built(Level), max_size=3).map(tuple)
_book = built(OrderBook, bids=_levels, asks=_levels)
_merged = st.lists(
    built(MergedLevel, exchanges=st.dictionaries(text, money, max_size=3)), max_size=3
).map(tuple)


def _legacy_market(value: Listing) -> dict[str, object]:
    found = wire.markets([value])[value.symbol]
    assert isinstance(found, dict)
    return found


PAIRS = {
    "bar": Pair(wire.candle, schemas.CandleOut, built(Candle)),
    "order book": Pair(wire.order_book, schemas.OrderBookOut, _book),
    "ticker": Pair(wire.ticker, schemas.TickerOut, built(Ticker)),
    "market": Pair(
        _legacy_market,
        schemas.MarketOut,
        st.builds(Listing),
    ),
    "book of one exchange": Pair(
        wire.venue_book, VenueBookOut.of, st.builds(VenueBook, text, _book)
    ),
    "merged book": Pair(
        wire.merged_book,
        MergedBookOut,
        built(
            MergedBook,
            bids=_merged,
            asks=_merged,
            exchanges=st.lists(text, max_size=3).map(tuple),
            errors=st.dictionaries(text, text, max_size=2),
        ),
    ),
}
