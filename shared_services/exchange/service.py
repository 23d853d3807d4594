"""What the other services use of the exchange."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import anyio

from shared_services.errors import ExchangeFailed, ExchangeNotConfigured
from shared_services.exchange.model import Limitations
from shared_services.exchange.port import (
    ExchangeError,
    ExchangeFailedError,
    ExchangePort,
    NoExchangeError,
)

PATIENCE: Final = 20.0  # seconds for everything one request asks of the exchange

UNKNOWN_LIMITATIONS: Final = Limitations(
    is_paper_trading=False,
    limitations=(),
    margin_trading_available=True,
    supported_order_types=("spot", "margin"),
)


class ExchangeAsync:
    """The one exchange of this system, or the knowledge that there is none."""

    def __init__(self, port: ExchangePort | None, *, patience: float = PATIENCE) -> None:
        self._port = port
        self._patience = patience  # seconds

    @property
    def port(self) -> ExchangePort:
        """Raises NoExchangeError; `Outage.told` turns it into what the client hears."""
        if self._port is None:
            raise NoExchangeError("Exchange service not configured")
        return self._port

    def require(self) -> None:
        """Raises NoExchangeError if there is none."""
        _ = self.port

    async def limitations(self) -> Limitations:
        """What the exchange cannot do; never fails."""
        try:
            with anyio.fail_after(self._patience):
                return await self.port.limitations()
        except (ExchangeError, TimeoutError):
            return UNKNOWN_LIMITATIONS


@dataclass(frozen=True, slots=True)
class Outage:
    """What a client hears from one route: `failed` if the exchange fails, the rest if none is."""

    error: str
    failed: str
    message: str | None = None
    details: str | None = None
    failure: type[ExchangeFailed] = ExchangeFailed
    patience: float = PATIENCE

    @contextmanager
    def told(self) -> Iterator[None]:
        """Raise ExchangeNotConfigured or `failure` for what goes wrong inside."""
        try:
            with anyio.fail_after(self.patience):
                yield
        except NoExchangeError as error:
            raise ExchangeNotConfigured(
                self.error, details=self.details, message=self.message
            ) from error
        except TimeoutError as error:
            text = f"Exchange error: no answer within {self.patience:.0f} seconds"
            raise self.failure(text, message=self.failed) from error
        except ExchangeFailedError as error:
            raise self.failure(f"Exchange error: {error}", message=self.failed) from error
