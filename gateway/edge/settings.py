"""The edge's limits, from the gateway's settings."""

from gateway.edge.limits import Limits
from gateway.settings import Settings


def limits_of(settings: Settings) -> Limits:
    return Limits(
        line=settings.line_limit,
        field=settings.field_limit,
        fields=settings.fields_limit,
        head_timeout=settings.head_timeout,
        body_timeout=settings.body_timeout,
        keep_alive=settings.keep_alive,
        send_timeout=settings.idle_timeout,
        trusted=settings.trusted_proxies,
    )
