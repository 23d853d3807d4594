"""Every gateway and every peer, started once for the whole run."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.install import program
from benchmarks.peers import proxies
from benchmarks.peers.names import (
    DIRECT,
    ENVOY,
    GRANIAN,
    GTHREAD,
    HAPROXY,
    LEGACY,
    MODERN,
    MOUNTED,
    NGINX,
    PYVOY,
    REMOTE,
    SPLIT,
    SPLIT_ALONE,
    SYNC,
    TRAEFIK,
    UVICORN,
)
from benchmarks.ports import free_port
from benchmarks.servers import ROOT, Program, Server, running

THREADS: Final = 40  # of gunicorn's gthread: as many as the gateway has for Flask
_PATH: Final = "/stack"
_FLASK_PATH: Final = "/flask/stack"  # where the path decides
_FLASK, _FASTAPI = "benchmarks.legacy_app:legacy", "benchmarks.modern_app:modern"
_HOUR: Final = "3600"
Make = Callable[[Path, int], Program]  # of a folder and a port
Proxy = Callable[[Path, int, int, int], Program]  # and of FastAPI's and Flask's ports


@dataclass(frozen=True, slots=True)
class System:
    """What answers the clients, and all servers that work for it."""

    name: str
    port: int
    servers: tuple[Server, ...]
    modern: float = 0.5  # FastAPI's share of the answers
    targets: tuple[tuple[int, str], ...] = ()  # ports and paths in turn

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(path for _, path in self.targets)

    def cpu(self) -> int:
        """Nanoseconds."""
        return sum(server.cpu() for server in self.servers)

    def memory(self) -> int:
        """Resident bytes; what several processes share is counted in each."""
        return sum(server.memory() for server in self.servers)


@dataclass(frozen=True, slots=True)
class Site:
    """Where servers are started, and what ends them."""

    folder: Path
    stack: ExitStack
    servers: dict[str, Server] = field(default_factory=dict)

    def serve(self, name: str, make: Make, path: str = _PATH) -> Server:
        """Starts what `make` makes of an empty folder and a free port, once."""
        if name not in self.servers:
            folder, port = self.folder / re.sub(r"\W+", "-", name), free_port()
            folder.mkdir()
            server = self.stack.enter_context(running(name, port, make(folder, port), path))
            self.servers[name] = server
        return self.servers[name]


def start(site: Site, names: Iterable[str]) -> tuple[list[System], dict[str, str]]:
    """The systems that can be had, and for the others the program that is missing."""
    systems, missing = [], {}
    for name in names:
        absent = [binary for binary in _NEEDS.get(name, ()) if program(binary) is None]
        if absent:
            missing[name] = absent[0]
        else:
            systems.append(_SYSTEMS[name](site))
    return systems, missing


def _one(
    name: str, front: Server, *behind: Server, modern: float = 0.5, path: str | None = None
) -> System:
    """`path`: where Flask is, if the path decides; requests then go there and to `_PATH` in turn."""
    paths = (_PATH, path) if path else (_PATH,)
    return System(name, front.port, (front, *behind), modern, tuple((front.port, p) for p in paths))


def _apps(site: Site) -> tuple[Server, Server]:
    return site.serve("uvicorn", _uvicorn), site.serve("gthread", _gthread)


def _direct(site: Site) -> System:
    apps = _apps(site)
    return System(DIRECT, 0, apps, targets=tuple((app.port, _PATH) for app in apps))


def _remote(site: Site) -> System:
    apps = _apps(site)
    return _one(REMOTE, site.serve("remote", _apart(*apps)), *apps)


def _behind(name: str, make: Proxy) -> Callable[[Site], System]:
    def system(site: Site) -> System:
        apps = _apps(site)
        return _one(name, site.serve(name, _before(make, *apps)), *apps)

    return system


def _beside_granian(site: Site) -> System:
    apps = site.serve("uvicorn", _uvicorn), site.serve("granian", _granian)
    return _one(GRANIAN, site.serve(GRANIAN, _before(proxies.nginx, *apps)), *apps)


def _python(module: str, line: str) -> Make:
    def make(folder: Path, port: int) -> Program:
        words = line.format(port=port).split()
        return Program([sys.executable, "-m", module, *words], folder, log=folder / "log")

    return make


def _before(make: Proxy, fastapi: Server, flask: Server) -> Make:
    return lambda folder, port: make(folder, port, fastapi.port, flask.port)


def _installed(binary: str, line: str) -> Make:
    def make(folder: Path, port: int) -> Program:
        words = line.format(port=port).split()
        return Program([program(binary) or binary, *words], folder, log=folder / "log")

    return make


_UVICORN: Final = (
    "--http httptools --loop uvloop --no-access-log --log-level warning --port {port} "
    f"--timeout-keep-alive {_HOUR}"
)
_GUNICORN: Final = f"{_FLASK} --bind 127.0.0.1:{{port}} --no-control-socket --log-level warning"
_uvicorn = _python("uvicorn", f"{_FASTAPI} {_UVICORN}")
_mounted = _python("uvicorn", f"benchmarks.peers.mounted:app --workers 2 {_UVICORN}")
_gthread = _python("gunicorn", f"{_GUNICORN} -k gthread --threads {THREADS} --keep-alive {_HOUR}")
_sync = _python("gunicorn", f"{_GUNICORN} -k sync")
_granian = _installed(
    "granian", f"{_FLASK} --interface wsgi --port {{port}} --no-access-log --log-level warning"
)
_pyvoy = _installed("pyvoy", f"{_FASTAPI} --port {{port}} --additional-mount {_FLASK}=/flask=wsgi")


def _in_process(percent: int, flags: str = "") -> Make:
    return _gateway(percent, f"--legacy {_FLASK} --modern {_FASTAPI} {flags}")


def _apart(fastapi: Server, flask: Server) -> Make:
    """A server elsewhere does not tell its routes: they are exported from the apps."""
    urls = f"--legacy http://127.0.0.1:{flask.port} --modern http://127.0.0.1:{fastapi.port}"
    files = "--legacy-routes legacy.json --modern-routes modern.json"
    gateway = _gateway(50, f"{urls} {files}")

    def make(folder: Path, port: int) -> Program:
        for stack, app in (("legacy", _FLASK), ("modern", _FASTAPI)):
            command = [sys.executable, "-m", "gateway.cli", "routes", "export", stack]
            command += [f"--{stack}", app, "--output", f"{stack}.json"]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True)
        return gateway(folder, port)

    return make


def _gateway(percent: int, flags: str) -> Make:
    """As shipped, but that its access log goes to /dev/null."""
    serve = _python("gateway.cli", f"serve --port {{port}} --access-log {os.devnull} {flags}")

    def make(folder: Path, port: int) -> Program:
        rule = f"{{route: GET {_PATH}, modern: {percent}}}"
        (folder / "traffic.yaml").write_text(f"phase: gradual\nroutes:\n  - {rule}\n")
        return serve(folder, port)

    return make


_NEEDS: Final = {
    NGINX: ("nginx",),
    HAPROXY: ("haproxy",),
    ENVOY: ("envoy",),
    TRAEFIK: ("traefik",),
    GRANIAN: ("nginx", "granian"),
    PYVOY: ("pyvoy",),
}
_SYSTEMS: Final[dict[str, Callable[[Site], System]]] = {
    UVICORN: lambda site: _one(UVICORN, site.serve("uvicorn", _uvicorn), modern=1),
    GTHREAD: lambda site: _one(GTHREAD, site.serve("gthread", _gthread), modern=0),
    SYNC: lambda site: _one(SYNC, site.serve(SYNC, _sync), modern=0),
    MODERN: lambda site: _one(MODERN, site.serve(MODERN, _in_process(100)), modern=1),
    LEGACY: lambda site: _one(LEGACY, site.serve(LEGACY, _in_process(0)), modern=0),
    SPLIT: lambda site: _one(SPLIT, site.serve(SPLIT, _in_process(50, "--workers 2"))),
    SPLIT_ALONE: lambda site: _one(SPLIT_ALONE, site.serve(SPLIT_ALONE, _in_process(50))),
    REMOTE: _remote,
    NGINX: _behind(NGINX, proxies.nginx),
    HAPROXY: _behind(HAPROXY, proxies.haproxy),
    ENVOY: _behind(ENVOY, proxies.envoy),
    TRAEFIK: _behind(TRAEFIK, proxies.traefik),
    GRANIAN: _beside_granian,
    MOUNTED: lambda site: _one(MOUNTED, site.serve(MOUNTED, _mounted), path=_FLASK_PATH),
    PYVOY: lambda site: _one(PYVOY, site.serve(PYVOY, _pyvoy), path=_FLASK_PATH),
    DIRECT: _direct,
}
