"""The workers of the data plane: who runs, on which version, and what keeps them from another."""

import json

from anyio import to_thread
from fastapi import APIRouter

from gateway.control.auth import Viewer
from gateway.control.context import Context, Control
from gateway.control.problems import responses
from gateway.control.shown import WorkerOut, WorkersOut
from gateway.store.workers import Worker

router = APIRouter(prefix="/workers", tags=["workers"], responses=responses(401, 403, 503))


@router.get("", summary="Workers")
async def workers(_caller: Viewer, control: Control) -> WorkersOut:
    """Every worker that beats, or has stopped to lately."""
    return await to_thread.run_sync(workers_out, control)


def workers_out(control: Context) -> WorkersOut:
    found = control.store.workers.all()
    newest = control.store.versions.newest()
    living = [worker for worker in found if worker.alive]
    return WorkersOut(
        version=newest,
        alive=len(living),
        current=sum(worker.version == newest for worker in living),
        secrets=len({worker.secret for worker in living}),
        leader=control.leading(),
        items=[_shown(worker) for worker in found],
    )


def _shown(worker: Worker) -> WorkerOut:
    return WorkerOut(
        id=worker.id,
        host=worker.host,
        pid=worker.pid,
        started=worker.started,
        age=worker.age,
        alive=worker.alive,
        version=worker.version,
        listening=worker.listening,
        problems=json.loads(worker.problems),
    )
