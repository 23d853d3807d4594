"""What the store refuses, and how it fails."""

from gateway.errors import BanyanError


class UnusableStore(BanyanError):
    """The settings name a store that cannot be used; the message says why and what can."""

    exit_code = 2


class StoreUnavailable(BanyanError):
    """The store cannot be reached, written or read right now; nothing was changed."""


class VersionConflict(BanyanError):
    """Somebody was faster: the plan has another version than the change was made for."""

    def __init__(self, expected: int, current: int) -> None:
        self.expected, self.current = expected, current
        super().__init__(
            f"the plan is at version {current}, the change was made for version {expected}: "
            "look at the newer one, then change that"
        )


class NoSuchVersion(BanyanError):
    """The store has no plan of this version."""

    def __init__(self, version: int, newest: int) -> None:
        self.version, self.newest = version, newest
        super().__init__(f"there is no version {version}; the newest is {newest}")


class NotLatched(BanyanError):
    """There is nothing to acknowledge on this route."""


class RampConflict(BanyanError):
    """Somebody was faster with this route's ramp."""

    def __init__(self, route: str) -> None:
        super().__init__(f"the ramp of {route} was changed meanwhile: look at it, then try again")
