"""What gunicorn reads by itself when it is started in this folder."""

from typing import Any

from shared_services.access import settings_or_exit

# gunicorn 27 puts one socket for all of a user's instances into the home folder: the second takes
# it over and deletes it at its end.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Refuse before a socket is open what must not be served so."""
    addresses = [address[0] for address in server.cfg.address if isinstance(address, tuple)]
    settings_or_exit(addresses, server.cfg.workers)


def post_worker_init(worker: Any) -> None:
    """Let the worker do its part in the background, such as the bot's, before anybody calls it."""
    blocking = getattr(getattr(worker, "wsgi", None), "extensions", {}).get("blocking")
    if blocking is not None:
        blocking.open()
