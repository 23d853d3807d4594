"""What is compared with what."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MODERN: Final = "gateway, 100 % FastAPI"
LEGACY: Final = "gateway, 100 % Flask"
SPLIT: Final = "gateway, in process, 2 workers"
SPLIT_ALONE: Final = "gateway, in process, 1 worker"
REMOTE: Final = "gateway, remote stacks, 1 worker"
UVICORN: Final = "uvicorn + FastAPI"
GTHREAD: Final = "gunicorn gthread + Flask"
SYNC: Final = "gunicorn sync + Flask"
NGINX: Final = "nginx"
HAPROXY: Final = "HAProxy"
ENVOY: Final = "Envoy"
TRAEFIK: Final = "Traefik"
GRANIAN: Final = "nginx, Flask under granian"
MOUNTED: Final = "FastAPI.mount + a2wsgi, 2 workers"
PYVOY: Final = "pyvoy"
DIRECT: Final = "no proxy: straight to the two apps"
PROXIES: Final = (NGINX, HAPROXY, ENVOY, TRAEFIK)


@dataclass(frozen=True, slots=True)
class Group:
    """The gateway in one role, and those that it is compared with."""

    id: str
    title: str
    gateway: str
    peers: tuple[str, ...]
    family: str  # the groups of one are measured next to each other in each round

    @property
    def members(self) -> tuple[str, ...]:
        return (self.gateway, *self.peers)


GROUPS: Final = (
    Group("P1", "100 % FastAPI, one process", MODERN, (UVICORN,), "FastAPI"),
    Group("P2", "100 % Flask, one process", LEGACY, (GTHREAD, SYNC), "Flask"),
    Group(
        "P3",
        "50/50, two Python processes: both apps in each of the gateway's, or one in each behind a proxy",
        SPLIT,
        (*PROXIES, GRANIAN),
        "split",
    ),
    Group(
        "P4", "50/50, the same two servers behind the gateway or nginx", REMOTE, (NGINX,), "split"
    ),
    Group(
        "P5",
        "50/50, two processes; beside the gateway the path decides",
        SPLIT,
        (MOUNTED,),
        "split",
    ),
    Group("pyvoy", "50/50, one process; in pyvoy the path decides", SPLIT_ALONE, (PYVOY,), "alone"),
)

# At a rate that all of them can bear
STEADY: Final = (
    ("100 % FastAPI", (MODERN, UVICORN)),
    ("50/50", (SPLIT, REMOTE, *PROXIES, GRANIAN, DIRECT)),
)


def systems_of(groups: Iterable[Group]) -> list[str]:
    """All that must run to measure them."""
    wanted = {name for group in groups for name in group.members}
    for _, names in STEADY:
        if DIRECT in names and wanted.intersection(names):
            wanted.add(DIRECT)
    return sorted(wanted)
