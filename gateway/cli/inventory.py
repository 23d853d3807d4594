"""What the stacks serve, for commands: told by the apps that the settings name, else as last seen."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.control.context import known_inventories
from gateway.endpoints import Inventory, Told
from gateway.errors import BanyanError
from gateway.inventory import read_inventory
from gateway.settings import Settings
from gateway.stacks.host import exported
from gateway.stacks.load import told_at
from gateway.store.opening import Store
from gateway.words import Stack


class NoInventory(BanyanError):
    """Neither settings nor an earlier start tell which routes there are."""

    exit_code = 2


def known_inventory(settings: Settings) -> Inventory:
    """What the stacks serve: asked from the apps that the settings name, else as last seen.

    Raises NoInventory and StackNotFound.
    """
    if settings.legacy is None and settings.modern is None:
        stored = read_inventory(settings.inventory_path)
        if stored is None:
            raise NoInventory(
                "which routes are there? Name the stacks (--legacy, --modern), or start "
                f"`banyan up` once: it leaves {settings.inventory_path}"
            )
        return stored
    inventory = Inventory()
    return inventory.with_legacy(_told(settings, Stack.LEGACY)).with_modern(
        _told(settings, Stack.MODERN)
    )


def told_inventories(
    settings: Settings, store: Store, *, apps_first: bool = False
) -> Sequence[Inventory]:
    """What living workers tell, who will run the plan; else the named apps, or an earlier start.

    `apps_first` is for questions about the apps themselves: importing them takes seconds. Raises
    NoInventory, StackNotFound and StoreUnavailable.
    """
    named = settings.legacy is not None or settings.modern is not None
    workers = store.workers.all()
    living = any(worker.alive for worker in workers)
    if living and not (named and apps_first):
        return known_inventories(store, settings)
    if workers and not named:
        return known_inventories(store, settings)
    return [known_inventory(settings)]


def _told(settings: Settings, stack: Stack) -> Told:
    value = settings.legacy if stack is Stack.LEGACY else settings.modern
    told = told_at(f"BANYAN_{stack.upper()}", value) if value else Told(())
    file = exported(settings, stack) if not told.served else None
    return told if file is None else replace(file, served=file.served if value else ())
