"""What clients hear of an outage on routes of several families."""

from typing import Final

from shared_services.exchange.service import Outage

LIVE_ACCOUNT: Final = Outage(
    error="Exchange service not available",
    message="Live data required for risk checks - no fallback data",
    failed="Live account data unavailable",
)
LIVE_BOOK: Final = Outage(
    error="Exchange service not available",
    message="Live orderbook required for trading - no fallback data",
    failed="Live orderbook unavailable - no fallback data",
)
