"""Who may reach a control plane that is about to start: where it listens, and its first token."""

import socket
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext, SSLError

import structlog

from gateway.control.bind import BindRefused, check_bind
from gateway.control.tokens import Role, make
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.errors import StoreUnavailable
from gateway.store.opening import open_store
from gateway.store.tokens import Tokens

_log = structlog.get_logger()


def open_door(settings: Settings) -> str | None:
    """The first token's text, if there was none yet. Raises BindRefused where nobody should listen.

    A store that is out of reach keeps nobody from starting: there is nothing to get in for yet.
    """
    cert, key = settings.control_tls_cert, settings.control_tls_key
    _check_pair(cert, key)
    store = open_store(settings.store_url)
    try:
        tokens = Tokens(store.database)
        text = _first(tokens)
        known = bool(text) or bool(tokens.all())
    except StoreUnavailable as error:
        _log.error("control.store_lost", error=str(error))
        text, known = None, True
    finally:
        store.close()
    check_bind(settings.control_host, cert, key, settings.control_proxies, known)
    return text


def control_url(settings: Settings, listener: socket.socket) -> str:
    """Where a control plane is reached."""
    host, port = listener.getsockname()[:2]
    scheme = "https" if settings.control_tls_cert else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _check_pair(cert: Path | None, key: Path | None) -> None:
    """A server finds out in its own thread, when the rest has started. Raises BindRefused."""
    if cert is None or key is None:
        return
    for name, file in (("CERT", cert), ("KEY", key)):
        try:
            file.open("rb").close()
        except OSError as error:
            why = f"BANYAN_CONTROL_TLS_{name}={file}: {error.strerror}"
            raise BindRefused(f"{why}; name a file that this user can read") from error
    try:
        # With a password, an encrypted key is an error; without one, a question on the terminal
        SSLContext(PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except SSLError as error:
        why = f"{cert} and {key} are no certificate and its key ({error.reason or error})"
        raise BindRefused(f"{why}: TLS takes PEM files without a password") from error


def _first(tokens: Tokens) -> str | None:
    """Made where there is none, by one of several control planes that start at once."""
    text, token = make("first", Role.ADMIN, "banyan", tokens.now(), None)
    act = Act("banyan", socket.gethostname(), "token.create", f"first ({token.role}, {token.id})")
    return text if tokens.add_first(token, act) else None
