"""No route gets more traffic for modern while differences stand that nobody has explained. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.routes import Route
from gateway.routing import RouteTable

_NAMED = 3  # differences in a message


@dataclass(frozen=True, slots=True)
class Gate:
    """What the last parity run left unexplained, and the plan that is in force."""

    standing: Mapping[str, Sequence[str]]  # a route's id → its differences, `/price type`
    before: RouteTable | None  # None: no plan has been accepted yet

    def refusals(self, table: RouteTable) -> Iterator[tuple[Route, str]]:
        """The routes whose share for modern would grow, and why it may not.

        The kill switch is left out on both sides: switching it off gives back what was there, and what
        is raised while it is on would come with that.
        """
        before = (
            {route.id: self.before.planned(route) for route in self.before.routes}
            if self.before
            else {}
        )
        for route in table.routes:
            differences = self.standing.get(route.id)
            old = before.get(route.id, 0)
            if differences and table.planned(route) > old:
                yield route, _message(route, differences, old)


def _message(route: Route, differences: Sequence[str], old: int) -> str:
    shown = ", ".join(differences[:_NAMED]) + (", …" if len(differences) > _NAMED else "")
    many = (
        f"{len(differences)} differences stand" if len(differences) > 1 else "a difference stands"
    )
    return (
        f"{many} unexplained on {route.id} ({shown}); nearest: modern: {old / 1000:g}, or mend it, or "
        f'`banyan parity --accept "{route.id}" --reason …`'
    )
