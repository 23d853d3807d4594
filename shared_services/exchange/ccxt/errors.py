"""What goes wrong at ccxt's door, in the words of the port.

ccxt's classes are told by their names: this is imported where ccxt may be missing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import localcontext
from typing import Final

from shared_services.exchange.port import (
    ExchangeFailedError,
    RefusedError,
    UnknownOrderError,
)
from shared_services.storage.errors import StoreUnavailable

_FAILURES: Final = (
    ("InvalidNonce", "{} says nonce too small: another program sends with the same API key"),
    ("RateLimitExceeded", "{} says that we call too often"),
    ("DDoSProtection", "{} says that we call too often"),
    ("OnMaintenance", "{} is in maintenance"),
    ("RequestTimeout", "{} did not answer in time"),
    ("NetworkError", "{} cannot be reached"),
    ("AuthenticationError", "{} does not accept the API key"),
    ("BadSymbol", "{} does not know this symbol"),
)
"""The first that fits: a class stands before its bases. Texts of ours, they can hold no secret."""

_REFUSALS: Final = frozenset({"InsufficientFunds", "InvalidOrder", "BadRequest", "MarketClosed"})

# What ccxt stumbles over when an answer is not what it expects
_UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_LONGEST: Final = 200  # characters of what an exchange says


class Door:
    """Lets out the errors of the port only, and no secret with them."""

    def __init__(self, name: str, secrets: tuple[str, ...]) -> None:
        self._name = name
        self._secrets = secrets

    @contextmanager
    def guarded(self, *, ordering: bool = False) -> Iterator[None]:
        """A no is told from not knowing if the block is `ordering`; else all is a failure.

        ccxt's exceptions are not kept as causes: they may quote what was sent. Its
        `decimal_to_precision` (4.5) leaves rounding and traps changed: not ours.
        """
        try:
            with localcontext():
                yield
        except StoreUnavailable as error:
            raise ExchangeFailedError("the store of nonces is unavailable") from error
        except _UNREADABLE as error:
            raise ExchangeFailedError(f"{self._name} gave an unreadable answer") from error
        except Exception as error:
            if "BaseError" not in _names(error):
                raise
            refusal = self._refusal(error) if ordering else None
            raise refusal or self._failure(error) from None

    def _refusal(self, error: Exception) -> RefusedError | None:
        names, words = _names(error), self._words(error)
        if "OrderNotFound" in names:
            return UnknownOrderError(words)
        # Bitfinex has one code for orders it refuses and keys without permission; ccxt knows one
        if names & _REFUSALS or ("PermissionDenied" in names and "Invalid order" in words):
            return RefusedError(words)
        return None

    def _failure(self, error: Exception) -> ExchangeFailedError:
        names = _names(error)
        for name, text in _FAILURES:
            if name in names:
                return ExchangeFailedError(text.format(self._name))
        return ExchangeFailedError(f"{self._name} failed: {self._words(error)}")

    def _words(self, error: Exception) -> str:
        """What the exchange said, without what must not be told."""
        words = str(error).removeprefix(self._name).removesuffix("(#)").strip()
        for secret in self._secrets:
            words = words.replace(secret, "***")
        return words[:_LONGEST] or "no reason given"


def _names(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
