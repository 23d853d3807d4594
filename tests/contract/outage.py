"""What section 2.7 asks of every route that needs the exchange."""

from dataclasses import replace

from tests.contract.case import Case
from tests.contract.cases.routing import ECHOED, ORIGIN
from tests.contract.world import BROKEN, DOWN, NO_EXCHANGE
from tests.drive import Request


def outages(
    route: str, request: Request, without: dict[str, str], failed: str, **more: str
) -> list[Case]:
    """No exchange, one that fails, and a defect; `more` is what the family adds to a 503."""
    crossed = replace(request, headers=dict(request.headers) | {"Origin": ORIGIN})
    fails = {"error": "Exchange error: no route", "message": failed}
    return [
        Case(route, "no exchange", request, 503, without | more, world=NO_EXCHANGE),
        Case(route, "the exchange fails", request, 503, fails | more, world=DOWN),
        Case(
            route,
            "a defect",
            crossed,
            500,
            b'{"error":"Internal server error"}\n',
            ECHOED | {"content-type": "application/json"},
            world=BROKEN,
        ),
    ]
