"""The two ways out for a notice: a signed webhook (Standard Webhooks 1.0, https://www.standardwebhooks.com)
and a command.
"""

import base64
import hashlib
import hmac
import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from subprocess import DEVNULL, PIPE, Popen
from time import time
from typing import Final
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx

from gateway.aside import aside
from gateway.settings import SIGNING

TAKEN: Final = "ok"
_ANSWER: Final = 10.0  # seconds for an answer
_COMMAND: Final = 30.0  # seconds for a command


async def post(url: str, secret: str | None, name: str, body: bytes) -> str:
    """What came of it: TAKEN, or why not; never the URL, which may hold a secret.

    Not by a client of httpx: that writes the URL into the log of whoever logs at INFO, and the apps of
    this process may. No more is read of the answer than its head.
    """
    signed = {} if secret is None else signature(secret, name, body)
    headers = {"content-type": "application/json", "webhook-id": name, **signed}
    try:
        request = _authorized(httpx.Request("POST", url, headers=headers, content=body))
        # Beside the loop: it reads the authorities' certificates
        made = await aside(partial(httpx.AsyncHTTPTransport, proxy=_proxy(request.url)))
        with anyio.fail_after(_ANSWER):
            async with made as transport:
                answer = await transport.handle_async_request(request)
                await answer.aclose()
    except TimeoutError:
        return f"no answer after {_ANSWER:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return type(error).__name__
    return TAKEN if answer.is_success else f"status {answer.status_code}"


async def run(command: str, body: bytes) -> str:
    """What came of it, likewise. The command gets `body` on its standard input; no shell reads it.

    Who is cancelled, or has waited for too long, ends it and what it has started.
    """
    try:
        started = await aside(_start, command)
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    try:
        with anyio.fail_after(_COMMAND):
            await aside(lambda: started.communicate(body))
    except TimeoutError:
        return f"not over after {_COMMAND:g} s"
    finally:
        if started.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
    return TAKEN if started.returncode == 0 else f"exit code {started.returncode}"


def _start(command: str) -> "Popen[bytes]":
    words = shlex.split(command)
    return Popen(words, stdin=PIPE, stdout=DEVNULL, start_new_session=True)  # noqa: S603 (the settings name it)


def signature(secret: str, name: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """The headers by which a receiver knows the sender: HMAC-SHA256 of id, time and body.

    `secret` is base64 after `whsec_`, as the standard has it; any other text is taken as it is.
    """
    key = (
        base64.b64decode(secret.removeprefix(SIGNING))
        if secret.startswith(SIGNING)
        else secret.encode()
    )
    when = str(int(time() if at is None else at))
    digest = hmac.new(key, f"{name}.{when}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-timestamp": when,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _authorized(request: httpx.Request) -> httpx.Request:
    """With the name and password of its URL, as a client does it."""
    url = request.url
    flow: Iterator[httpx.Request] = httpx.BasicAuth(url.username, url.password).auth_flow(request)
    return next(flow) if url.userinfo else request


def _proxy(url: httpx.URL) -> str | None:
    """That HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name."""
    known = getproxies()
    found = known.get(url.scheme) or known.get("all")
    return None if found is None or proxy_bypass(url.host) else found
