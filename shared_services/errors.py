"""What a service raises, and nothing else.

    ServiceError
    ├── NotFound       the thing asked for does not exist
    ├── Conflict       it clashes with what is already there
    ├── Invalid        the request can never succeed as it is
    └── Unavailable    it may succeed later

Raise a leaf, catch a kind. A service never knows HTTP: each edge maps the kinds to statuses.
"""

from typing import ClassVar


class ServiceError(Exception):
    """Base of all: the flat envelope that clients see (`error`, `details`, `message`)."""

    code: ClassVar[str]

    def __init__(
        self,
        error: str,
        *,
        details: str | tuple[str, ...] | None = None,
        message: str | None = None,
        replayed: bool = False,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.details = details
        self.message = message
        self.replayed = replayed

    def envelope(self) -> dict[str, object]:
        """The body of the answer; keys without a value are absent."""
        details = list(self.details) if isinstance(self.details, tuple) else self.details
        fields = {"error": self.error, "details": details, "message": self.message}
        return {name: value for name, value in fields.items() if value is not None}


class NotFound(ServiceError):
    """The thing asked for does not exist."""


class Conflict(ServiceError):
    """It clashes with what is already there."""


class Invalid(ServiceError):
    """The request can never succeed as it is."""


class Unavailable(ServiceError):
    """It may succeed later."""


class OrderNotFound(NotFound):
    code = "order_not_found"


class StrategyNotFound(NotFound):
    code = "strategy_not_found"


class BacktestNotFound(NotFound):
    code = "backtest_not_found"


class IdempotencyKeyReused(Conflict):
    code = "idempotency_key_reused"


class IdempotencyKeyInProgress(Conflict):
    code = "idempotency_key_in_progress"


class InvalidBody(Invalid):
    code = "invalid_body"


class InvalidQuery(Invalid):
    code = "invalid_query"


class InvalidConfig(Invalid):
    code = "invalid_config"


class InvalidParameters(Invalid):
    """Of a strategy or a backtest."""

    code = "invalid_parameters"


class InvalidPrices(Invalid):
    """Price data that no strategy can work with."""

    code = "invalid_prices"


class InsufficientData(Invalid):
    code = "insufficient_data"


class UnknownStrategy(Invalid):
    code = "unknown_strategy"


class InvalidOrder(Invalid):
    code = "invalid_order"


class OrderRejected(Invalid):
    """Risk management said no."""

    code = "order_rejected"


class OrderRefused(Invalid):
    """The exchange understood the request and said no."""

    code = "order_refused"


class BacktestsBusy(Unavailable):
    """As many are running and waiting as we take on."""

    code = "backtests_busy"


class ExchangeNotConfigured(Unavailable):
    code = "exchange_not_configured"


class ExchangeFailed(Unavailable):
    code = "exchange_failed"


class OutcomeUnknown(ExchangeFailed):
    """The order was sent, and nobody knows what became of it."""

    code = "order_outcome_unknown"


class BotNotStarted(Invalid):
    """Told in the bot's own shape, which has no `error`; `status` is what it says of the bot."""

    code = "bot_not_started"

    def __init__(self, message: str, *, status: str) -> None:
        super().__init__(message)
        self._status = status

    def envelope(self) -> dict[str, object]:
        return {"message": self.error, "status": self._status, "success": False}
