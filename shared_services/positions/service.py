"""Positions: of the exchange, then holdings labelled margin, then spot holdings."""

from shared_services.positions.model import Position


class PositionsServiceAsync:
    async def list(self) -> list[Position]:
        """Raises ExchangeNotConfigured or ExchangeFailed; a holding is never skipped."""
        raise NotImplementedError
