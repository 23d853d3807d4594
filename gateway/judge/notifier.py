"""Tells others of verdicts, rollbacks, breakers and ramps: a signed webhook, and a command.

A notice is written with what it tells of and is tried until it is taken or given up, by the leading
control plane: at least once, in the order in which things happened as far as nobody has to wait.
The webhook follows Standard Webhooks 1.0 (https://www.standardwebhooks.com).
"""

import base64
import hashlib
import hmac
import json
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import time
from typing import Final

import anyio
import httpx
import structlog

from gateway.aside import aside
from gateway.errors import BanyanError
from gateway.settings import SIGNING, Settings
from gateway.store.notices import Notice, Notices

INTERVAL: Final = 1.0  # seconds
RETRIES: Final = (5.0, 30.0, 120.0, 600.0, 3600.0)  # seconds between two tries; then it is given up
_PATIENCE: Final = 10.0  # seconds for an answer
_HOOK_PATIENCE: Final = 30.0  # seconds for a command
TAKEN: Final = "ok"
_log = structlog.get_logger()

Channel = Callable[[Notice, bytes], str]  # what came of it: TAKEN, or why not


@dataclass(frozen=True, slots=True)
class Notifier:
    """Of one control plane; works while `leading`."""

    notices: Notices
    settings: Settings
    leading: Callable[[], bool]

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await anyio.sleep(INTERVAL)
            if not self.leading():
                continue
            try:
                await aside(self.step)
            except Exception as error:  # a bug of ours must not end the control plane
                bug = None if isinstance(error, BanyanError) else error
                _log.warning("notices.interrupted", error=str(error), exc_info=bug)

    def step(self) -> None:
        """Tries what is due. Raises StoreUnavailable."""
        for notice in self.notices.due():
            outcome = self._told(notice)
            missing = [name for name, found in outcome.items() if found != TAKEN]
            again = RETRIES[notice.attempts] if missing and notice.attempts < len(RETRIES) else None
            if missing:
                given_up = again is None
                _log.warning("notice.not_taken", id=notice.id, outcome=outcome, given_up=given_up)
            self.notices.tried(notice, outcome, again)

    def _told(self, notice: Notice) -> dict[str, str]:
        """By channel, what came of it; who has taken it already is not told again."""
        body = json.dumps(_document(notice), ensure_ascii=False).encode()
        return {
            name: TAKEN if notice.outcome.get(name) == TAKEN else tell(notice, body)
            for name, tell in self._channels()
        }

    def _channels(self) -> Iterator[tuple[str, Channel]]:
        if self.settings.webhook is not None:
            yield "webhook", self._post
        if self.settings.hook is not None:
            yield "hook", self._run

    def _post(self, notice: Notice, body: bytes) -> str:
        assert self.settings.webhook is not None  # noqa: S101 (one of the channels)
        secret = self.settings.webhook_secret
        signed = {} if secret is None else signature(secret.get_secret_value(), notice.id, body)
        headers = {"content-type": "application/json", "webhook-id": _id(notice.id), **signed}
        url = self.settings.webhook.get_secret_value()
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=_PATIENCE)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return type(error).__name__  # its message names the URL, which may hold a secret
        return TAKEN if answer.is_success else f"status {answer.status_code}"

    def _run(self, _notice: Notice, body: bytes) -> str:
        """The command gets the document on its standard input; no shell reads it."""
        assert self.settings.hook is not None  # noqa: S101 (one of the channels)
        try:
            ran = subprocess.run(  # noqa: S603 (the settings name what runs)
                shlex.split(self.settings.hook),
                input=body,
                stdout=subprocess.DEVNULL,
                timeout=_HOOK_PATIENCE,
                check=False,
            )
        except (OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        except subprocess.TimeoutExpired:
            return f"not over after {_HOOK_PATIENCE:g} s"
        return TAKEN if ran.returncode == 0 else f"exit code {ran.returncode}"


def signature(secret: str, number: int, body: bytes, at: float | None = None) -> dict[str, str]:
    """The headers by which a receiver knows the sender: HMAC-SHA256 of id, time and body.

    `secret` is base64 after `whsec_`, as the standard has it; any other text is taken as it is.
    """
    key = (
        base64.b64decode(secret.removeprefix(SIGNING))
        if secret.startswith(SIGNING)
        else secret.encode()
    )
    when = str(int(time() if at is None else at))
    signed = f"{_id(number)}.{when}.".encode() + body
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": _id(number),
        "webhook-timestamp": when,
        "webhook-signature": f"v1,{digest}",
    }


def _id(number: int) -> str:
    return f"banyan-{number}"


def _document(notice: Notice) -> Mapping[str, object]:
    return {
        "type": f"banyan.{notice.kind}",
        "at": notice.at,
        "route": notice.route,
        "data": notice.document,
    }
