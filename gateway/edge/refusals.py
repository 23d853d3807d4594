"""Counts what the edge refused, by reason, and answers it where another server speaks HTTP."""

from typing import Final

from prometheus_client import Counter

from gateway import refusal
from gateway.edge.refusal import Reason, Refused
from gateway.messages import Scope, Send

REFUSED: Final = Counter(
    "gateway_refused_total",
    "Requests that the edge refused before any stack saw them.",
    ("reason",),
)


def count_refusal(reason: Reason) -> None:
    REFUSED.labels(reason.value).inc()


async def refuse(scope: Scope, send: Send, refused: Refused) -> None:
    """Answers in the place of the app, on whatever server, and asks it to close the connection."""
    count_refusal(refused.reason)
    close = ((b"connection", b"close"),) if scope["http_version"] in {"1.0", "1.1"} else ()
    await refusal.refuse(send, refused.status, refused.text, *close)
