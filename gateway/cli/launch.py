"""Starts the servers: sockets first, then the data plane, then the control plane in a thread. Ends them
in the same order.

The control plane's socket listens from the beginning; its code, a fifth of a start, is loaded once
clients are answered.

One worker runs in this process. Several are processes under uvicorn's supervisor; they share the
socket, and their metrics meet in files that are wiped here, before prometheus-client is imported.
"""

import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import uvicorn
from pydantic import SecretStr
from uvicorn.config import STARTUP_FAILURE

from gateway import collector
from gateway.cli.admission import control_url, open_door
from gateway.cli.banner import banner, control_banner, first_token
from gateway.cli.beside import GRACE, Beside
from gateway.cli.flags import variable
from gateway.cli.servers import OneWorker, Terms, Workers
from gateway.cli.websockets import WebSocketProtocol
from gateway.edge.protocol import EdgeProtocol
from gateway.edge.server import EdgeServer
from gateway.edge.settings import limits_of
from gateway.logs import configure_logs
from gateway.memory import share_one_arena
from gateway.observe import folder
from gateway.settings import Settings

_COULD_NOT_START: Final = 2
_HINTS: Final = {
    errno.EADDRINUSE: "stop what listens there, or choose another with {}",
    errno.EACCES: "ports below 1024 belong to root; choose another with {}",
}


def launch(settings: Settings, *, control: bool) -> int:
    """Serves until SIGTERM or SIGINT. SIGHUP stops one worker too; several it replaces one by one.

    The exit code: 0 stopped, 1 stopped by force after the grace, 2 could not start.
    """
    configure_logs()
    share_one_arena()  # before the first thread
    try:
        settings = _share(settings, first_plan=control)
        data = bind(settings.host, settings.port, "--port")
        serving = threading.Event()
        beside = _serve_beside(settings, serving, control=control)
    except OSError as error:
        return _refuse(str(error))
    if settings.workers > 1:  # they start in processes of their own: nobody waits for this one
        serving.set()

    def hello() -> str:
        serving.set()
        url = beside.url if beside else None
        return banner(settings, _url(data), url, sys.argv[0])

    code = _serve_data(settings, data, hello)
    return beside.end(code) if beside else code


def launch_control(settings: Settings) -> int:
    """Serves the control plane alone, until SIGTERM or SIGINT; exit codes as `launch`."""
    from gateway.control.app import create_control, events_of

    configure_logs()
    share_one_arena()
    try:
        admin = bind(settings.control_host, settings.control_port, "--control-port")
    except OSError as error:
        return _refuse(str(error))
    _let_in(settings)
    app = create_control(settings, alone=True)
    hello = partial(control_banner, settings, control_url(settings, admin), sys.argv[0])
    terms = Terms(GRACE, 0.0, leaving=events_of(app).end)
    OneWorker(_control_config(settings, app), terms, hello).run([admin])
    return 0


def bind(host: str, port: int, flag: str) -> socket.socket:
    """A socket that listens. Raises OSError with what to do about it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        why = error.strerror or error
        hint = _HINTS.get(error.errno or 0, "that is no address of this machine")
        raise OSError(f"cannot listen on {host}:{port}: {why}; {hint.format(flag)}") from error
    listener.set_inheritable(True)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _serve_data(settings: Settings, listener: socket.socket, hello: Callable[[], str]) -> int:
    edge: Any = partial(EdgeProtocol, limits_of(settings))
    config = uvicorn.Config(
        "gateway.asgi:app",
        http=edge,
        ws=WebSocketProtocol,
        loop="uvloop",
        lifespan="on",
        workers=settings.workers,
        access_log=False,
        log_config=None,
        proxy_headers=False,  # who the client is, the gateway decides by its own trusted proxies
        timeout_graceful_shutdown=int(settings.grace),
        backlog=2048,
    )
    try:
        return _run(settings, config, listener, hello)
    except SystemExit as stop:
        return _COULD_NOT_START if stop.code == STARTUP_FAILURE else int(stop.code or 0)
    except KeyboardInterrupt:
        return 0


def _run(
    settings: Settings, config: uvicorn.Config, listener: socket.socket, hello: Callable[[], str]
) -> int:
    terms = Terms(settings.grace, settings.lame_duck, settings.worker_requests)
    if settings.workers == 1:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        OneWorker(config, terms, hello).run([listener])
        return 0
    supervisor = Workers(config, [listener], terms, hello)
    supervisor.run()
    return _COULD_NOT_START if supervisor.exitcode == STARTUP_FAILURE else supervisor.exitcode


def _serve_beside(settings: Settings, serving: threading.Event, *, control: bool) -> Beside | None:
    """The control plane when the data plane serves, or the probes that the settings ask for, at once.

    Raises OSError.
    """
    if control:
        admin = bind(settings.control_host, settings.control_port, "--control-port")
        _let_in(settings)
        return Beside(partial(_control, settings), admin, serving, control_url(settings, admin))
    if settings.probe_port is not None:
        from gateway.control.probes import create_probes

        probes = bind(settings.probe_host, settings.probe_port, "--probe-port")
        server = EdgeServer(_config(settings, create_probes()), lame_duck=0.0)
        at_once = threading.Event()
        at_once.set()
        return Beside(lambda: server, probes, at_once, _url(probes))
    return None


def _control(settings: Settings) -> EdgeServer:
    with collector.making():
        from gateway.control.app import create_control, events_of

        app = create_control(settings)
        return EdgeServer(_control_config(settings, app), 0.0, events_of(app).end)


def _let_in(settings: Settings) -> None:
    token = open_door(settings)
    if token is not None:
        sys.stderr.write(first_token(token, sys.argv[0]))


def _control_config(settings: Settings, app: Any) -> uvicorn.Config:
    cert, key = settings.control_tls_cert, settings.control_tls_key
    grace = int(GRACE)
    return _config(
        settings, app, ssl_certfile=cert, ssl_keyfile=key, timeout_graceful_shutdown=grace
    )


def _config(settings: Settings, app: Any, **more: Any) -> uvicorn.Config:
    """As clients of the data plane, those who send or take nothing are let go."""
    edge: Any = partial(EdgeProtocol, limits_of(settings))
    return uvicorn.Config(
        app,
        http=edge,
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,  # who calls, `auth` decides by its own trusted proxies
        server_header=False,
        **more,
    )


def _share(settings: Settings, *, first_plan: bool) -> Settings:
    """What all processes of this start have in common, by the environment that they inherit.

    The secret is read once, so that nobody makes another if `var` is lost meanwhile. Raises OSError.
    """
    secret = settings.secret_bytes().decode()
    os.environ[variable("secret")] = secret
    os.environ[variable("first_plan")] = str(first_plan or settings.first_plan).lower()
    if settings.workers > 1:
        folder.share(settings.var / "metrics")
    return settings.model_copy(update={"secret": SecretStr(secret)})


def _refuse(message: str) -> int:
    sys.stderr.write(f"banyan: {message}\n")
    return _COULD_NOT_START
