"""What can go wrong with a store as a whole."""

from shared_services.errors import Unavailable


class UnusableStore(Exception):
    """The store that the settings name cannot be used; the message says why and what can."""


class StoreUnavailable(Unavailable):
    """The store cannot be reached, is full or read-only, or stayed too busy.

    `reason` is for the log alone: it may name files, hosts and users.
    """

    code = "store_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__("Store unavailable")
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.error}: {self.reason}"
