"""Order books of several exchanges, fetched at the same time."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import anyio

from shared_services.errors import InvalidQuery
from shared_services.exchange.outages import LIVE_BOOK
from shared_services.exchange.port import (
    ExchangeError,
    ExchangeFailedError,
    ExchangePort,
    NoExchangeError,
)
from shared_services.orderbook.merging import merged
from shared_services.orderbook.model import MergedBook, VenueBook
from shared_services.symbols import from_compact
from shared_services.together import together

PATIENCE: Final = 5.0  # seconds for one exchange: a silent one must not silence the others

_NOT_CONFIGURED: Final = "Exchange service not configured"


class OrderbookServiceAsync:
    """`venues` in the configured order, by id; None for one that is not usable.

    Symbols are as clients write them. Every method raises ExchangeNotConfigured and ExchangeFailed.
    """

    def __init__(
        self, venues: Mapping[str, ExchangePort | None], *, patience: float = PATIENCE
    ) -> None:
        self._venues = venues
        self._patience = patience  # seconds

    async def book(self, symbol: str, exchange: str | None, limit: int) -> VenueBook:
        """The book of `exchange`, or of the first; raises also InvalidQuery for an unknown one."""
        name = next(iter(self._venues)) if exchange is None else exchange
        if name not in self._venues:
            raise InvalidQuery(f"Unknown exchange: {name}", details=tuple(self._venues))
        with LIVE_BOOK.told():
            return await self._fetch(name, from_compact(symbol), limit)

    async def aggregate(self, symbol: str, limit: int) -> MergedBook:
        """All books as one; who fails is named and left out, unless all of them do."""
        unified = from_compact(symbol)
        with LIVE_BOOK.told():
            found = await together(
                [partial(self._try, name, unified, limit) for name in self._venues]
            )
            books = [one for one in found if isinstance(one, VenueBook)]
            failures = dict(zip(self._venues, found, strict=True))
            errors = {
                name: str(one) for name, one in failures.items() if isinstance(one, ExchangeError)
            }
            if not books:
                raise _all_failed(failures, errors)
        return merged(unified, books, errors, limit)

    async def _try(self, name: str, symbol: str, limit: int) -> VenueBook | ExchangeError:
        try:
            return await self._fetch(name, symbol, limit)
        except ExchangeError as error:
            return error

    async def _fetch(self, name: str, symbol: str, limit: int) -> VenueBook:
        port = self._venues[name]
        if port is None:
            raise NoExchangeError(_NOT_CONFIGURED)
        try:
            with anyio.fail_after(self._patience):
                return VenueBook(name, await port.order_book(symbol, limit))
        except TimeoutError as error:
            raise ExchangeFailedError(f"no answer within {self._patience:g} seconds") from error


def _all_failed(
    failures: Mapping[str, VenueBook | ExchangeError], errors: Mapping[str, str]
) -> ExchangeError:
    if all(isinstance(one, NoExchangeError) for one in failures.values()):
        return NoExchangeError(_NOT_CONFIGURED)
    [text, *more] = errors.values()
    return ExchangeFailedError(
        "; ".join(f"{name}: {one}" for name, one in errors.items()) if more else text
    )
