"""The gateway under gunicorn: `gunicorn -c deploy/gunicorn.conf.py gateway.asgi:app`.

`banyan serve` is the better choice where nothing forces gunicorn on you: docs/deploy.md has the numbers.
Everything that `BANYAN_*` settings say, this file takes from them.
"""

import ctypes
import os
import signal
import subprocess
import sys
from math import ceil
from typing import Any

from gateway.observe import folder
from gateway.settings import Settings

_settings = Settings()

_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host
bind = f"{_host}:{_settings.port}"
workers = _settings.workers
worker_class = "asgi"  # the others call WSGI apps, or are deprecated (`uvicorn.workers`)
asgi_loop = "uvloop"
asgi_lifespan = "on"  # a gateway that could not start must not serve

# Threads and event loops do not survive a fork, and metrics must know their folder before they are
# imported: each worker imports the apps by itself.
preload_app = False

# Seconds. `timeout` is two things in this worker: how long a body may stand still, and after how long
# a worker whose loop is blocked is killed.
timeout = max(2, ceil(_settings.body_timeout))
keepalive = ceil(_settings.keep_alive)
graceful_timeout = ceil(_settings.grace)

limit_request_line = _settings.line_limit
limit_request_field_size = _settings.field_limit
limit_request_fields = _settings.fields_limit

max_requests = _settings.worker_requests
max_requests_jitter = _settings.worker_requests // 4

# gunicorn 27 puts one socket for all of a user's instances into the home folder: the second takes it
# over and deletes it at its end.
control_socket_disable = True

# The gateway writes access lines, and decides by BANYAN_TRUSTED_PROXIES who speaks for a client.
accesslog = None
forwarded_allow_ips = ""


def on_starting(server: Any) -> None:
    """What all workers have in common, by the environment that they inherit."""
    if server.cfg.preload_app:
        sys.stderr.write("deploy/gunicorn.conf.py: leave out --preload; its comment says why\n")
        raise SystemExit(2)
    os.environ["BANYAN_SECRET"] = _settings.secret_bytes().decode()
    folder.share(_settings.var / "metrics")


def when_ready(server: Any) -> None:
    """Starts what answers /health, /ready and /metrics: a process, for threads do not survive a fork."""
    if _settings.probe_port is None:
        return
    command = [sys.executable, "-m", "uvicorn", "--factory", "gateway.control.probes:create_probes"]
    command += ["--host", _settings.probe_host, "--port", str(_settings.probe_port)]
    server.banyan_probe = subprocess.Popen(  # noqa: S603 (of our own settings)
        [*command, "--no-access-log", "--log-level", "warning"],
        preexec_fn=_end_with_the_parent,  # noqa: PLW1509 (this process has no threads)
    )


def child_exit(_server: Any, worker: Any) -> None:
    """What a worker that has ended was gauged at is no more; what it counted goes on counting."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 (its folder is told)

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    """Ends the probe with the master."""
    probe = getattr(server, "banyan_probe", None)
    if probe is not None:
        probe.send_signal(signal.SIGTERM)
        probe.wait()


def _end_with_the_parent() -> None:
    """Also with one that was killed: else the probe would hold its port (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
