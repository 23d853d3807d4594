"""The parent's end of the stacks: a child process each, so that two never share services or a store."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from gateway.errors import BanyanError
from gateway.parity.child import Hello, Order, run_child
from gateway.parity.model import Probe
from gateway.shadow.difference import Answer

_SPAWN: Final = get_context("spawn")  # a fork would share what the parent has imported and opened
_START: Final = 120.0  # seconds to import and start an app
_GRACE: Final = 10.0  # seconds beyond the deadline: for an app that blocks its loop, and to stop


class StackUnusable(BanyanError):
    """A stack does not start, so that nothing can be compared."""

    exit_code = 2


class StackEnded(Exception):
    """The stack's process is gone, or hangs for good: there are no more answers from it."""


class Running:
    """One stack that answers."""

    def __init__(self, process: SpawnProcess, connection: Connection, order: Order) -> None:
        self._process = process
        self._connection = connection
        self._order = order
        self.hello = self._greeting()

    def send(self, probe: Probe) -> None:
        """Asks; raises StackEnded."""
        try:
            self._connection.send(probe)
        except OSError as error:
            raise StackEnded(self._why()) from error

    def receive(self) -> Answer:
        """The answer to the probe that was sent last; raises StackEnded."""
        answer = self._wait(self._order.deadline + _GRACE)
        if not isinstance(answer, Answer):
            raise StackEnded(self._why())
        return answer

    def _greeting(self) -> Hello:
        hello = self._wait(_START)
        if not isinstance(hello, Hello):
            raise StackUnusable(f"{self._why()}; what it printed is in {self._order.log}")
        if hello.failure:
            raise StackUnusable(hello.failure)
        return hello

    def _wait(self, seconds: float) -> object:
        """What the child says; None if it says nothing in time, or ends."""
        try:
            return self._connection.recv() if self._connection.poll(seconds) else None
        except (EOFError, OSError):
            self._process.join(_GRACE)
            return None

    def _why(self) -> str:
        code = self._process.exitcode
        how = "does not answer" if code is None else f"ended with exit code {code}"
        return f"{self._order.stack}'s process {how}"


@contextmanager
def running(orders: Sequence[Order]) -> Iterator[list[Running]]:
    """The stacks, started side by side, each with new empty folders for `{folder}` in its environment.

    Raises StackUnusable.
    """
    with ExitStack() as stack:
        begun = [stack.enter_context(_process(order)) for order in orders]
        yield [Running(*one) for one in begun]


@contextmanager
def _process(order: Order) -> Iterator[tuple[SpawnProcess, Connection, Order]]:
    with TemporaryDirectory(prefix=f"banyan-{order.stack}-", ignore_cleanup_errors=True) as folder:
        order = _placed(order, Path(folder))
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=run_child, args=(order, theirs))
        process.start()
        theirs.close()
        try:
            yield process, ours, order
        finally:
            ours.close()  # the child sees the end and stops its app
            process.join(_GRACE)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()


def _placed(order: Order, folder: Path) -> Order:
    own = folder / "store"
    own.mkdir()
    environment = {
        name: value.replace("{folder}", str(own)) for name, value in order.environment.items()
    }
    settings = order.settings.model_copy(update={"var": folder / "var"})
    return replace(order, environment=environment, settings=settings)
