"""The control plane and the ports: who may reach it, whether it runs, and what is in its way."""

import errno
import os
import shlex
import shutil
import socket
from collections.abc import Iterator
from socket import gethostname
from typing import Final

import httpx

from gateway.control.bind import BindRefused, check_bind
from gateway.doctor.case import Case
from gateway.doctor.loading import NETWORK
from gateway.doctor.model import Finding, error, ok, warning
from gateway.errors import BanyanError
from gateway.settings import Settings
from gateway.store.tokens import Tokens

_EVERY: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}
_HINTS: Final = {
    errno.EACCES: "ports below 1024 belong to root: choose another with {}",
    errno.EADDRINUSE: "`ss -ltnp` shows who listens; stop it, or choose another with {}",
}


def check_control(case: Case) -> Iterator[Finding]:
    """Where it listens, who answers there, and the port of the data plane."""
    settings = case.settings
    yield from _bind(settings)
    yield from _tokens(case)
    yield from _answering(settings)
    yield from _data_port(case)
    yield from _hook(settings)


def _bind(settings: Settings) -> Iterator[Finding]:
    cert, key = settings.control_tls_cert, settings.control_tls_key
    try:  # a start makes the first token itself
        check_bind(settings.control_host, cert, key, settings.control_proxies, tokens_exist=True)
    except BindRefused as why:
        yield error(str(why), "set one of them: the control plane does not start like this")


def _tokens(case: Case) -> Iterator[Finding]:
    """A store that cannot be used is said elsewhere."""
    try:
        database = case.sight.result().store.database
        tokens, now = Tokens(database).all(), Tokens(database).now()
    except BanyanError:
        return
    valid = [one for one in tokens if one.revoked is None and (one.expires or now + 1) > now]
    if tokens and not valid:
        yield warning(
            f"of {len(tokens)} tokens none is valid: nobody gets in over the network",
            "`banyan token create NAME --role operator`",
        )


def _answering(settings: Settings) -> Iterator[Finding]:
    if settings.control_port == 0:
        return
    url = _url(settings)
    try:
        # Not who it is, only whether it is there: its certificate may name another address.
        answer = httpx.get(f"{url}/health", timeout=NETWORK, verify=False, trust_env=False)  # noqa: S501
    except (httpx.HTTPError, httpx.InvalidURL):
        yield from _free("--control-port", settings.control_host, settings.control_port)
        return
    if answer.headers.get("content-type", "").startswith("application/json") and _is_health(answer):
        yield ok(f"it runs: {url}/health answers")
    else:
        yield error(
            f"something else than a control plane answers at {url}",
            _HINTS[errno.EADDRINUSE].format("--control-port"),
        )


def _is_health(answer: httpx.Response) -> bool:
    try:
        return bool(answer.json() == {"status": "ok"})
    except ValueError:
        return False


def _url(settings: Settings) -> str:
    host = settings.control_host.removeprefix("[").removesuffix("]")
    host = _EVERY.get(host, host)
    scheme = "https" if settings.control_tls_cert else "http"
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}:{settings.control_port}"


def _data_port(case: Case) -> Iterator[Finding]:
    settings = case.settings
    try:
        workers = case.sight.result().store.workers.all()
    except BanyanError:
        workers = []
    running = [one for one in workers if one.alive and one.host == gethostname()]
    if running:
        s = "" if len(running) == 1 else "s"
        yield ok(f"{len(running)} worker{s} of this host run{'s' if not s else ''}")
    elif settings.port:
        yield from _free("--port", settings.host, settings.port)


def _free(flag: str, host: str, port: int) -> Iterator[Finding]:
    """Binds, as a start does, and lets go."""
    where = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as why:
            told = os.strerror(why.errno) if why.errno and why.errno > 0 else str(why)
            hint = _HINTS.get(why.errno or 0, "that is no address of this machine; see {}")
            yield error(f"cannot listen on {where}: {told}", hint.format(flag))
            return
    yield ok(f"nobody listens on {where}: free for a start")


def _hook(settings: Settings) -> Iterator[Finding]:
    """On a host without a control plane it may be missing."""
    if settings.hook is None:
        return
    program = shlex.split(settings.hook)[0]
    if shutil.which(program) is None:
        yield warning(
            f"BANYAN_HOOK names `{program}`, which is no program here: a control plane here tells nobody",
            "install it, or name it by its whole path",
        )
