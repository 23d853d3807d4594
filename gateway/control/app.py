"""The control plane's HTTP interface: probes, metrics, and the admin API."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio
from fastapi import FastAPI

from gateway.control.api import (
    audit,
    events,
    evidence,
    explain,
    plan,
    ramps,
    routes,
    tokens,
    versions,
    whatif,
    workers,
)
from gateway.control.auth import Auth
from gateway.control.context import Context, known_inventories
from gateway.control.events import Events
from gateway.control.housekeeping import Housekeeping
from gateway.control.probes import add_probes
from gateway.control.problems import install
from gateway.control.shield import Shield, own_names
from gateway.endpoints import Inventory
from gateway.judge.bars import bars_of
from gateway.judge.controller import Controller
from gateway.judge.look import Looker, Reader
from gateway.judge.notifier import Notifier
from gateway.plan.desk import PlanDesk
from gateway.settings import Settings
from gateway.store.audit import Act
from gateway.store.leader import leadership
from gateway.store.opening import Store, open_store
from gateway.store.tokens import Tokens

_ABOUT = """\
Shift traffic between the legacy and the modern stack, see who changed what and why, and undo it.

Every request needs `Authorization: Bearer <token>`; `banyan token create` makes tokens. Every change
needs a reason. `If-Match` makes a change conditional on the version it was made for. Errors are problem
documents (RFC 9457) with a stable `code`.
"""
_ROUTERS = (
    plan, versions, routes, evidence, ramps, explain, whatif, workers, audit, tokens, events,
)  # fmt: skip


def create_control(
    settings: Settings,
    store: Store | None = None,
    inventories: Callable[[], Sequence[Inventory]] | None = None,
    *,
    alone: bool = False,
) -> FastAPI:
    """The control plane over a store. `alone`: there is no data plane in this process or on this host.

    `inventories` tells what the stacks serve where no worker does. Raises UnusableStore.
    """
    store = store or open_store(settings.store_url)
    known = inventories or partial(known_inventories, store, settings)
    desk = PlanDesk(store.versions, settings, known, partial(bars_of, store))
    controller = Controller(store, desk, Reader(settings, known))
    context = Context(
        settings=settings,
        store=store,
        tokens=Tokens(store.database),
        inventories=known,
        desk=desk,
        events=Events(store),
        housekeeping=Housekeeping(store, leadership(store.database), controller.step),
        looker=Looker(store, Reader(settings, known)),
    )
    app = FastAPI(
        title="Banyan control plane",
        description=_ABOUT,
        version="1",
        telemetry={"tracing": False},
        docs_url=None,  # their pages load code from elsewhere, which the shield forbids
        redoc_url=None,
        lifespan=partial(_lifespan, context),
    )
    app.state.context = context
    app.state.auth = _auth(context)
    for module in _ROUTERS:
        app.include_router(module.router, prefix="/api/v1")
    add_probes(app, context if alone else None)
    install(app)
    app.add_middleware(Shield, names=own_names(settings.control_host, settings.control_names))
    return app


def events_of(app: FastAPI) -> Events:
    """Of a control plane that was created here."""
    context: Context = app.state.context
    return context.events


def _auth(context: Context) -> Auth:
    def record(action: str, origin: str, subject: str) -> None:
        context.store.audit.record(Act("anonymous", origin, action, subject))

    proxies = context.settings.control_proxies
    return Auth(context.tokens, record, proxies, now=context.tokens.now)


@asynccontextmanager
async def _lifespan(context: Context, app: FastAPI) -> AsyncIterator[None]:
    auth: Auth = app.state.auth
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(context.events.run)
            tasks.start_soon(context.housekeeping.run)
            tasks.start_soon(Notifier(context.store.notices, context.settings, context.leading).run)
            tasks.start_soon(_tell_folded, auth)
            yield
            tasks.cancel_scope.cancel()
    finally:
        context.housekeeping.close()
        context.store.close()


async def _tell_folded(auth: Auth) -> None:
    while True:
        await anyio.sleep(1.0)
        await auth.tell_folded()
