"""What gunicorn reads by itself when it is started in this folder."""

from typing import Any

from shared_services.access import settings_or_exit


def on_starting(server: Any) -> None:
    """Refuse before a socket is open to serve without a token what must not be served so."""
    for address in server.cfg.address:
        settings_or_exit("localhost" if isinstance(address, str) else address[0])
