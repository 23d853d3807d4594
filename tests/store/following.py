"""Parts of one process above the store: the desk, and a plan watch with what it activated."""

from pathlib import Path

from gateway.endpoints import Inventory
from gateway.plan.desk import PlanDesk
from gateway.plan.document import Document
from gateway.plan.door import FileDoor
from gateway.plan.file import FileBase, LastGood
from gateway.plan.switch import HostSwitch
from gateway.plan.watch import Host, PlanWatch
from gateway.settings import Settings
from gateway.store.opening import Store
from gateway.store.signal import signal_of
from tests.store.acts import applied, numbered


def desk(store: Store, folder: Path) -> PlanDesk:
    settings = Settings(var=folder, plan=folder / "traffic.yaml", secret="sixteen bytes or more")
    return PlanDesk(store.versions, settings, lambda: [Inventory(None, None)])


async def followed(store: Store, folder: Path) -> "Follower":
    """One at version 3; the first came from its file."""
    follower = Follower(store, folder)
    await follower.watch.start()
    applied(store, *numbered(2))
    await follower.watch.look()
    assert follower.active == [1, 3]
    return follower


class Follower:
    """Its file says `phase: gradual`; `active` are the versions it ran, in order."""

    def __init__(self, store: Store, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "traffic.yaml"
        self.path.write_text("phase: gradual\n")
        self.active: list[int] = []
        door = FileDoor(self.path, FileBase(folder / "base.json", self.path), desk(store, folder))
        self.signal = signal_of(store.database)
        host = Host(LastGood(folder / "last-good.json"), HostSwitch(folder / "kill"))
        self.watch = PlanWatch(door, store.versions, self.signal, host, self._activate)

    async def _activate(self, document: Document, version: int) -> None:
        self.active.append(version)
