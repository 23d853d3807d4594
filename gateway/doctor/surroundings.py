"""The settings, and what stands in the environment beside them."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import combinations
from typing import Final

from gateway.doctor.case import Case
from gateway.doctor.model import Finding, error, ok, warning
from gateway.doctor.store import is_fleet
from gateway.settings import Settings

_PREFIX: Final = str(Settings.model_config["env_prefix"])
_LINK: Final = re.compile(r".*_(SERVICE_(HOST|PORT\w*)|PORT_\d+_(TCP|UDP)\w*)")
_EVERY: Final = frozenset({"", "0.0.0.0", "::", "[::]"})


def check_settings(case: Case) -> Iterator[Finding]:
    """Names that mean nothing, listeners in each other's way, and a secret that hosts do not share."""
    found = [*_names(case), *_listeners(case.settings), *_secret(case.settings)]
    if not found:
        names = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
        count = len(names.intersection(name.upper() for name in case.around.environ))
        found = [ok(f"{count} set in the environment, every one known")]
    yield from found


def _names(case: Case) -> Iterator[Finding]:
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields} | case.around.known
    given = [name for name in case.around.environ if name.upper().startswith(_PREFIX)]
    unknown = sorted(name for name in given if name.upper() not in known)
    links = [name for name in unknown if _LINK.fullmatch(name)]
    for name in unknown:
        if name in links:
            continue
        near = get_close_matches(name.upper(), known, 1)
        do = f"is {near[0]} meant? Else unset it" if near else f"unset it: `unset {name}`"
        yield warning(f"{name} is no setting: nobody reads it", do)
    if links:
        told = f"{links[0]} and {len(links) - 1} more" if len(links) > 1 else links[0]
        yield warning(
            f"{told}: Kubernetes made it of a service whose name begins with banyan; one of its names "
            f"may be a setting's ({_PREFIX}PORT)",
            "set `enableServiceLinks: false` in the pod",
        )


def _listeners(settings: Settings) -> Iterator[Finding]:
    listeners = [
        ("PORT", settings.host, settings.port),
        ("CONTROL_PORT", settings.control_host, settings.control_port),
        ("PROBE_PORT", settings.probe_host, settings.probe_port or 0),
    ]
    for (name, host, port), (other, beside, same) in combinations(listeners, 2):
        if port == same and port and (host == beside or _EVERY.intersection({host, beside})):
            yield error(
                f"{_PREFIX}{name} and {_PREFIX}{other} are both {port} on {beside or host}",
                f"give {_PREFIX}{other} another port",
            )


def _secret(settings: Settings) -> Iterator[Finding]:
    if settings.secret is None and is_fleet(settings.store_url):
        yield warning(
            "every host makes a secret of its own, and a store for several hosts is named: hosts with "
            "different secrets give a client different stacks",
            f"set the same {_PREFIX}SECRET on every host (`openssl rand -hex 32` makes one)",
        )
