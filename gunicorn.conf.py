"""What gunicorn reads by itself when it is started in this folder."""

from typing import Any

from shared_services.access import settings_or_exit


def on_starting(server: Any) -> None:
    """Refuse before a socket is open to serve without a token what must not be served so."""
    settings_or_exit([at[0] for at in server.cfg.address if isinstance(at, tuple)])
