"""Tells others of verdicts, rollbacks, breakers and ramps: by a webhook, and by a command.

A notice is written with what it tells of and is tried until it is taken or given up, by the leading
control plane: at least once, in the order in which things happened as far as nobody has to wait.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio
import structlog

from gateway.aside import aside
from gateway.errors import BanyanError
from gateway.judge.channels import TAKEN, post, run
from gateway.judge.metrics import GIVEN_UP
from gateway.settings import Settings
from gateway.store.notices import Notice, Notices

INTERVAL: Final = 1.0  # seconds
RETRIES: Final = (5.0, 30.0, 120.0, 600.0, 3600.0)  # seconds between two tries; then it is given up
_log = structlog.get_logger()


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
            try:
                await self.step()
            except Exception as error:  # a bug of ours must not end the control plane
                bug = None if isinstance(error, BanyanError) else error
                _log.warning("notices.interrupted", error=str(error), exc_info=bug)

    async def step(self) -> None:
        """Tries what is due. Raises StoreUnavailable."""
        if not self.leading():
            return
        for notice in await aside(self.notices.due):
            outcome = await self._told(notice)
            missing = any(found != TAKEN for found in outcome.values())
            again = RETRIES[notice.attempts] if missing and notice.attempts < len(RETRIES) else None
            if missing:
                given_up = again is None
                if given_up:
                    _count_given_up(outcome)
                _log.warning("notice.not_taken", id=notice.id, outcome=outcome, given_up=given_up)
            await aside(self.notices.tried, notice, outcome, again)
            if not self.leading():  # the one that leads now tells the others
                return

    async def _told(self, notice: Notice) -> dict[str, str]:
        """By channel, what came of it; who has taken it already is not told again."""
        return {
            name: TAKEN if notice.outcome.get(name) == TAKEN else await tell()
            for name, tell in self._channels(notice)
        }

    def _channels(self, notice: Notice) -> Iterator[tuple[str, Callable[[], Awaitable[str]]]]:
        body = json.dumps(_document(notice)).encode()  # ASCII: half a letter is no reason to fail
        webhook, secret = self.settings.webhook, self.settings.webhook_secret
        if webhook is not None:
            key = None if secret is None else secret.get_secret_value()
            yield "webhook", partial(post, webhook.get_secret_value(), key, _id(notice), body)
        if self.settings.hook is not None:
            yield "hook", partial(run, self.settings.hook, body)


def _count_given_up(outcome: Mapping[str, str]) -> None:
    for channel, found in outcome.items():
        if found != TAKEN:
            GIVEN_UP.labels(channel).inc()


def _id(notice: Notice) -> str:
    """Of a receiver's many senders, and of a store that was made anew, no other has it."""
    return f"banyan_{notice.at * 1000:.0f}_{notice.id}"


def _document(notice: Notice) -> Mapping[str, object]:
    return {
        "id": _id(notice),
        "type": f"banyan.{notice.kind}",
        "at": notice.at,
        "route": notice.route,
        "data": notice.document,
    }
