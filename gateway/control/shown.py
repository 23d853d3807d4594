"""What `banyan status`, `routes` and `workers` show, as JSON. Times are seconds since 1970.

Apart from what makes it: a command that asks another machine needs no store.
"""

from pydantic import BaseModel

from gateway.listing import Kind, Where
from gateway.words import Phase


class StackReport(BaseModel):
    """What one stack did on one route since the workers that run were started."""

    requests: int = 0
    errors: int = 0  # status 5xx
    error_rate: float | None = None  # share of requests, 0 to 1; null without requests
    p50: float | None = None  # seconds, interpolated in the histogram's bucket
    p95: float | None = None
    total: int = 0  # requests since the migration began, over all starts
    last: float | None = None  # when it was last asked, in seconds since 1970, over all starts


class NoteReport(BaseModel):
    """What to know before the route is moved; `mended` says what already takes care of it."""

    kind: Kind
    text: str
    mended: str = ""


class RouteReport(BaseModel):
    """A route, its split, and both stacks."""

    route: str
    served: Where | None = None  # null: it is no route of either app
    split: float | None = None  # percent for modern; null: only one stack serves it
    legacy: StackReport = StackReport()
    modern: StackReport = StackReport()
    rescued: int = 0  # failing answers of modern that legacy's replaced; modern's errors count them
    notes: list[NoteReport] = []
    unexplained: int = 0  # differences of the last `banyan parity` that stand
    latch: str = ""  # why it was rolled back, while nobody has acknowledged that
    ramp: str = ""  # what its ramp does, while it has one
    breakers: dict[str, str] = {}  # worker → open or half-open, and why


class PlanReport(BaseModel):
    """The plan in force; `refused` is what keeps a worker, or the file's text, from it."""

    version: int  # 0: there is none yet
    running: int | None  # of the worker furthest behind; null: none tells
    actor: str
    reason: str
    phase: Phase
    kill_switch: bool
    file: str
    refused: list[str]


class RoutesReport(BaseModel):
    """Everything `banyan status` shows."""

    plan: PlanReport
    workers: int  # that live
    kit: list[str] = []  # behaviours of the kit that modern has
    routes: list[RouteReport]


class WorkerOut(BaseModel):
    """One worker of one host."""

    id: str
    host: str
    pid: int
    started: float  # seconds since 1970
    age: float  # seconds since its last heartbeat
    alive: bool
    version: int  # of the plan it runs
    listening: bool  # false: it finds new versions by looking, once a second
    problems: list[str]


class WorkersOut(BaseModel):
    """All workers, the living first."""

    version: int  # the newest
    alive: int
    current: int  # of them, on the newest version
    secrets: int  # different BANYAN_SECRETs among the living; more than one: clients flip
    leader: bool  # this control plane leads
    items: list[WorkerOut]
