"""One stack, as the settings name it: loaded in a process of its own, or asked where it is served."""

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from threading import Timer
from time import monotonic
from typing import IO, Any, Final

import httpx

from gateway.doctor.model import Finding, error, ok, warning
from gateway.doctor.store import is_fleet
from gateway.endpoints import Told
from gateway.inventory import told_from
from gateway.settings import Settings
from gateway.stacks.address import Remote, Spawned, StackNotFound, parse_address
from gateway.stacks.host import exported
from gateway.stacks.remote.reach import check_reach
from gateway.words import Stack

NETWORK: Final = 2.0  # seconds to connect, and to answer
_LOAD: Final = 30.0  # seconds to import an app
_TAIL: Final = 4096  # bytes of what a crashed app printed


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found out about a stack; `told` is None where it could not be asked."""

    findings: tuple[Finding, ...]
    debug: tuple[Finding, ...] = ()
    told: Told | None = None


def look_at(settings: Settings, stack: Stack) -> Loaded:
    """Never raises for what a setting says, nor for what an app does."""
    setting = f"BANYAN_{stack.upper()}"
    value = settings.legacy if stack is Stack.LEGACY else settings.modern
    try:
        file = exported(settings, stack)
        if value is None:
            told = replace(file or Told(()), served=())
            return Loaded(tuple(_unnamed(settings, stack)), told=told)
        address = parse_address(setting, value)
        if isinstance(address, Remote):
            check_reach(address, settings)
            return Loaded((_asked(address), *_silent(stack, file)), told=file)
    except StackNotFound as why:
        return Loaded((error(str(why), f"set {setting} to what serves the app"),))
    target = address.value if isinstance(address, Spawned) else value
    return _loaded(setting, target, stack, file)


def _unnamed(settings: Settings, stack: Stack) -> Iterator[Finding]:
    other = settings.modern if stack is Stack.LEGACY else settings.legacy
    if other is not None and stack is Stack.LEGACY:
        yield ok("legacy: none is named; modern answers everything")
    elif other is not None:
        told = "modern: none is named; legacy answers everything"
        yield warning(told, "set BANYAN_MODERN to begin to move")
    elif stack is Stack.LEGACY:  # of both, said once
        told, names = "neither stack is named", "BANYAN_LEGACY and BANYAN_MODERN"
        if is_fleet(settings.store_url):
            yield warning(told, f"set {names}, unless this host runs a control plane only")
        else:
            yield error(told, f"set {names}, as in BANYAN_LEGACY=pkg.module:app")


def _silent(stack: Stack, file: Told | None) -> Iterator[Finding]:
    """A server elsewhere, or an unknown kind of app, does not tell what it serves."""
    if file is None:
        yield warning(
            f"{stack}: does not tell what it serves, so that no typo in the plan is found",
            f"run `banyan routes export {stack} --output {stack}.json` where the app can be imported, "
            f"and set BANYAN_{stack.upper()}_ROUTES={stack}.json",
        )


def _asked(address: Remote) -> Finding:
    """Whether a server answers; a GET changes nothing (RFC 9110 §9.2.1)."""
    name = address.setting.removeprefix("BANYAN_").lower()
    try:
        status = status_of(address)
    except (httpx.HTTPError, OSError) as why:
        told = str(why) or type(why).__name__
        do = f"start what serves it, or correct {address.setting}"
        return error(f"{name}: {address}: nobody answers within {NETWORK:g} s ({told})", do)
    if status >= 500:
        do = "look at its own log"
        return warning(f"{name}: {address} answers `GET /` with {status}", do)
    return ok(f"{name}: {address} answers")


def status_of(address: Remote) -> int:
    """Of `GET /`. Raises httpx.HTTPError."""
    verify = ssl.create_default_context()
    transport = httpx.HTTPTransport(verify=verify, uds=address.path or None)
    url = "http://localhost/" if address.path else f"{address}/"
    with (
        httpx.Client(transport=transport, timeout=NETWORK, trust_env=False) as client,
        client.stream("GET", url) as answer,
    ):
        return answer.status_code


def _loaded(setting: str, value: str, stack: Stack, file: Told | None) -> Loaded:
    answer = _child(setting, value)
    if "error" in answer:
        told = answer["error"].removeprefix(f"{setting}: ")
        do = f"correct {setting}, or what it names; `python -c 'import {value.partition(':')[0]}'` shows more"
        return Loaded((error(f"{stack}: {told}", do),), told=file)
    debug = tuple(error(f"{stack}: {found}", do) for found, do in answer["debug"])
    told_itself = told_from(answer["told"])
    if told_itself.served is None:
        found = ok(f"{stack}: {value} loads")
        return Loaded((found, *_silent(stack, file)), debug, file or told_itself)
    count = len(told_itself.served)
    found = ok(f"{stack}: {value} loads, {count} route{'' if count == 1 else 's'}")
    return Loaded((found,), debug, told_itself)


def _child(setting: str, value: str) -> dict[str, Any]:
    """What the child says: `told` and `debug`, or `error`."""
    asked, begun = {"path": sys.path, "setting": setting, "value": value}, monotonic()
    with TemporaryFile() as order, TemporaryFile() as printed:
        order.write(json.dumps(asked).encode())
        order.seek(0)
        with _process(order, printed) as (process, said):
            line = said.readline()
            if line:
                answer: dict[str, Any] = json.loads(line)
                return answer
            code = process.wait()
            if monotonic() - begun >= _LOAD:
                return {"error": f"{value} was not loaded within {_LOAD:g} s"}
            how = _ended(code, printed)
            return {"error": f"loading {value} ended the process {how}"}


@contextmanager
def _process(
    order: IO[bytes], printed: IO[bytes]
) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    """The child and what it says. In a group of its own: what the app has started ends with it."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.doctor.child"],
        stdin=order,
        stdout=writing,
        stderr=printed,
        start_new_session=True,
    )
    os.close(writing)
    overdue = Timer(_LOAD, _kill, (process,))
    overdue.daemon = True
    overdue.start()
    with os.fdopen(reading, "rb") as said:
        try:
            yield process, said
        finally:
            overdue.cancel()
            _kill(process)
            process.wait()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _ended(code: int, printed: IO[bytes]) -> str:
    """`(exit code 1): the last line that it printed`."""
    how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
    printed.seek(max(0, printed.seek(0, os.SEEK_END) - _TAIL))
    lines = [line for line in printed.read().decode(errors="replace").splitlines() if line.strip()]
    last = f": {lines[-1].strip()}" if lines else ""
    return f"({how}){last}"
