"""ConfigServiceAsync: one configuration for both stacks, in the store.

Every change is one transaction that reads the newest version and adds the next, so no update is lost
and none is half applied; a version that was read stays what it was.
"""

import logging
from functools import partial

from anyio import to_thread

from shared_services.clock import Clock
from shared_services.config import trading, updates, versions
from shared_services.config.document import loads, merged, ordered
from shared_services.config.file import UnusableFile, read_file
from shared_services.config.model import (
    STRATEGY_NAMES,
    NewWeight,
    ProbabilityView,
    StrategyWeight,
    Summary,
    TradingConfig,
)
from shared_services.config.reading import InForce, read_document, weights_problem
from shared_services.config.schema import STRATEGIES
from shared_services.config.updates import Changes
from shared_services.config.views import probability_view, summary
from shared_services.errors import StrategyNotFound
from shared_services.jsonbody import JsonObject
from shared_services.rules import Value
from shared_services.storage import Store

_log = logging.getLogger(__name__)


class ConfigServiceAsync:
    """`path` is the file from which the store gets its first version, and others on demand."""

    def __init__(self, store: Store, clock: Clock, path: str) -> None:
        self._store = store
        self._clock = clock
        self._path = path
        self._known: tuple[int, InForce] = (0, read_document({}))

    async def take_file(self) -> None:
        """Make the file the first version of a store that has none."""
        try:
            file = await to_thread.run_sync(read_file, self._path)
        except UnusableFile as error:
            _log.error("config.unusable file=%s reason=%s", self._path, error)
            return
        if file is not None:
            await self._store.transaction(versions.take_first, self._clock.now_ms(), file)

    async def current(self) -> TradingConfig:
        """What rules, strategies and the bot work with."""
        return trading.trading_config(await self._in_force())

    async def summary(self) -> Summary:
        return summary(await self._in_force(), self._path)

    async def strategies(self) -> tuple[StrategyWeight, ...]:
        """Of every strategy, in the order of the configuration."""
        return trading.weights(await self._in_force())

    async def strategy(self, name: str) -> dict[str, Value]:
        """The general section, and over it what strategy `name` has of its own, if there is one."""
        return trading.overlaid(await self._in_force(), name)

    async def probability(self) -> ProbabilityView:
        return probability_view(await self._in_force())

    async def problems(self) -> tuple[str, ...]:
        """Everything that is wrong or odd; what is wrong is not in force."""
        in_force = await self._in_force()
        odd = weights_problem(in_force)
        return in_force.problems + (() if odd is None else (odd,))

    async def update(self, body: JsonObject) -> tuple[str, ...]:
        """Set what the body names, all or nothing; its top-level keys. Raises InvalidConfig."""
        await self._change(updates.read_update(body))
        return tuple(body)

    async def set_weight(self, name: str, body: JsonObject) -> NewWeight:
        """Raises StrategyNotFound and InvalidConfig."""
        if name not in STRATEGY_NAMES:
            raise StrategyNotFound(f"Unknown strategy: {name}")
        weight = updates.read_weight(body)
        await self._change({(STRATEGIES, name, "weight"): weight})
        return NewWeight(name, weight)

    async def update_probability(self, body: JsonObject) -> dict[str, Value]:
        """Set the probability settings that the body names, all or nothing; raises InvalidConfig."""
        changes = updates.read_probability(body)
        await self._change(changes)
        return {path[-1]: value for path, value in changes.items()}

    async def reload(self) -> tuple[str, ...]:
        """Take the file over if it has changed since it was last; what is wrong then.

        A file that cannot be used changes nothing.
        """
        try:
            file = await to_thread.run_sync(read_file, self._path)
        except UnusableFile as error:
            return (str(error), *(await self._in_force()).problems)
        if file is not None:
            await self._store.transaction(versions.take_changed, self._clock.now_ms(), file)
        return (await self._in_force()).problems

    async def _change(self, changes: Changes) -> None:
        edit = partial(_changed, changes=changes)
        await self._store.transaction(versions.change, self._clock.now_ms(), edit)

    async def _in_force(self) -> InForce:
        """Of the newest version; a version never changes, so it is parsed once."""
        row = await self._store.read(versions.newest)
        if row is not None and row.version != self._known[0]:
            self._known = (row.version, read_document(loads(row.document)))
        return self._known[1]


def _changed(document: JsonObject, changes: Changes) -> JsonObject:
    """Raises InvalidConfig."""
    before = read_document(document)
    result = merged(ordered(document, before.strategies), changes)
    updates.judge(before, read_document(result))
    return result
