"""Starts the servers: sockets first, then the control plane in a thread, then the data plane.

One worker runs in this process. Several are processes under uvicorn's supervisor; they share the
socket, and their metrics meet in files that are wiped here, before prometheus-client is imported.
"""

import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from gateway.cli.banner import banner
from gateway.cli.flags import variable
from gateway.control.scrape import DIRECTORY
from gateway.logs import configure_logs
from gateway.settings import Settings

_COULD_NOT_START: Final = 2


def launch(settings: Settings, *, control: bool) -> int:
    """Serves until SIGTERM or SIGINT. The exit code: 0 stopped, 2 could not start."""
    configure_logs()
    try:
        data = bind(settings.host, settings.port, "--port")
        admin = (
            bind(settings.control_host, settings.control_port, "--control-port")
            if control
            else None
        )
    except OSError as error:
        return _refuse(str(error))
    if settings.workers > 1:
        _share_metrics(settings)
    if admin is not None:
        os.environ[variable("first_plan")] = "true"  # for the workers, which read the environment
        _serve_control(settings, admin)
    hello = partial(banner, settings, _url(data), _url(admin) if admin else None, sys.argv[0])
    return _serve_data(settings, data, hello)


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
        hint = f"stop what listens there, or choose another with {flag}"
        raise OSError(f"cannot listen on {host}:{port}: {why}; {hint}") from error
    listener.set_inheritable(True)
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _OneWorker(uvicorn.Server):
    """A data plane in this process: says hello when it takes requests, and exits with 0."""

    def __init__(self, config: uvicorn.Config, hello: Callable[[], str]) -> None:
        super().__init__(config)
        self._hello = hello

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stderr.write(self._hello())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._captured_signals.clear()  # a drained stop is no death by signal


def _serve_data(settings: Settings, listener: socket.socket, hello: Callable[[], str]) -> int:
    config = uvicorn.Config(
        "gateway.asgi:app",
        http="httptools",  # named, or uvicorn takes what happens to be installed
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
        if settings.workers == 1:
            _OneWorker(config, hello).run([listener])
        else:
            sys.stderr.write(hello())
            supervisor = Multiprocess(config, [listener])
            supervisor.run()
            if any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes):
                return _COULD_NOT_START
    except SystemExit as stop:
        return _COULD_NOT_START if stop.code == STARTUP_FAILURE else int(stop.code or 0)
    except KeyboardInterrupt:
        return 0
    return 0


def _serve_control(settings: Settings, listener: socket.socket) -> None:
    """In a daemon thread with a loop of its own: it ends with the process, after the data plane."""
    from gateway.control.app import create_control

    config = uvicorn.Config(
        create_control(settings), access_log=False, log_config=None, proxy_headers=False
    )
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, args=([listener],), name="control", daemon=True).start()


def _share_metrics(settings: Settings) -> None:
    directory = settings.var / "metrics"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ[DIRECTORY] = str(directory.resolve())


def _refuse(message: str) -> int:
    sys.stderr.write(f"banyan: {message}\n")
    return _COULD_NOT_START
