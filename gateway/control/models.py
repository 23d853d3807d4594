"""What the admin API says and hears, as OpenAPI documents it. Times are seconds since 1970."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.control.tokens import Role
from gateway.plan.model import Cohort, FrontDoor, RoutePattern
from gateway.plan.numbers import Percent
from gateway.words import Phase

if TYPE_CHECKING:
    from gateway.plan.desk import Outcome
    from gateway.plan.diff import Change
    from gateway.store.versions import Entry

# Line ends would forge lines in a log or a table; the rest of Unicode is welcome.
_ONE_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_ONE_LINE),
    Field(
        description="Why: it stands in history and audit for ever.",
        examples=["canary is clean for 24 h"],
    ),
]
# A name that a plan's text could hold may be no line of an audit: see `Reason`.
RouteName = Annotated[
    RoutePattern,
    StringConstraints(max_length=1000, pattern=_ONE_LINE),
    Field(examples=["GET /api/balances"]),
]
CohortName = Annotated[Cohort, StringConstraints(pattern=_ONE_LINE)]
T = TypeVar("T")


class _In(BaseModel):
    """Unknown fields are errors: a misspelt one would be a change that silently did not happen."""

    model_config = ConfigDict(extra="forbid")


class Because(_In):
    """A change that needs nothing but its reason."""

    reason: Reason


class NewPlan(Because):
    """A whole plan, as YAML text."""

    document: Annotated[str, Field(max_length=1 << 20, examples=["phase: gradual\nroutes: []\n"])]


class PlanText(_In):
    """A plan to be checked."""

    document: Annotated[str, Field(max_length=1 << 20, examples=["phase: gradual\nroutes: []\n"])]


class RulePatch(Because):
    """One rule; fields that are not given stay, `null` takes the default again."""

    route: RouteName
    modern: Annotated[Percent | None, Field(examples=[25])] = None
    cohort: Annotated[CohortName | None, Field(examples=["orders"])] = None
    failover: Annotated[Literal["safe", "never"] | None, Field(examples=["safe"])] = None
    front_door: Annotated[FrontDoor | None, Field(examples=["legacy"])] = None

    def fields(self) -> dict[str, object]:
        """What is to be set or, where None, taken away."""
        given = self.model_fields_set - {"route", "reason"}
        return {name: getattr(self, name) for name in type(self).model_fields if name in given}


class PhaseChange(Because):
    """The phase of the migration."""

    phase: Annotated[Phase, Field(examples=["gradual"])]


class KillSwitch(Because):
    """On: everything goes to legacy, now."""

    on: Annotated[bool, Field(strict=True, examples=[True])]  # no word may be taken for an answer


class RollbackTo(Because):
    """Back to the plan of a version; without one, to the one before the current."""

    version: Annotated[int | None, Field(strict=True, ge=1, le=1 << 31, examples=[41])] = None


class ChangeOut(BaseModel):
    """One value that differs; null is not there."""

    place: str  # a route, `defaults`, or a field of the plan
    field: str  # empty for a field of the plan
    before: str | None
    after: str | None


class VersionOut(BaseModel):
    """A version of the plan, and who made it."""

    version: int
    at: float
    actor: str  # `file`, `cli:<user>`, `api:<token>`, `recovery`
    origin: str  # the address or host it came from
    reason: str


class VersionText(VersionOut):
    """A version with its text."""

    document: str


class PlanOut(VersionText):
    """The plan in force."""

    phase: Phase
    kill_switch: bool
    plan: dict[str, Any]  # the document, read


class MovedOut(BaseModel):
    """One route whose share for modern changes, and how many of its clients change stacks."""

    route: str
    before: float  # percent for modern
    after: float
    clients: int
    to_modern: int
    to_legacy: int
    exact: bool  # false: estimated from a sample


class WhatIfOut(BaseModel):
    """Who changes stacks, of the clients that were seen in the last 15 to 30 minutes."""

    routes: list[MovedOut]
    clients: int  # seen on one of the routes
    moved: int  # of them, on one route at least
    exact: bool


class Applied(BaseModel):
    """What became of a change."""

    changed: bool  # false: the plan said so already
    version: int
    previous: int | None  # null: it is the first
    at: float
    actor: str
    reason: str
    changes: list[ChangeOut]
    moved: WhatIfOut
    undo: str | None = None  # the command that takes it back


class Checked(BaseModel):
    """A plan that would be accepted, and what it would change."""

    phase: Phase
    rules: int
    above_zero: int  # rules with a share for modern
    changes: list[ChangeOut]


class Page(BaseModel, Generic[T]):
    """The newest first; `next` is the cursor of the page after, null on the last."""

    items: list[T]
    next: str | None


class DiffOut(BaseModel):
    """From one version to another."""

    before: int | None
    after: int
    changes: list[ChangeOut]
    text: str  # a unified diff of the documents


class AuditLine(BaseModel):
    """One thing that somebody did, or was refused."""

    id: int
    at: float
    actor: str
    origin: str
    action: str
    subject: str
    reason: str
    version: int | None  # of the plan, if it made one


class TokenOut(BaseModel):
    """A token, without its secret."""

    id: str
    name: str
    role: Role
    created: float
    created_by: str
    expires: float | None
    revoked: float | None


class NewToken(_In):
    """A token for a person or a program."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._@-]{1,64}$", examples=["alice", "ci"])]
    role: Annotated[Role, Field(examples=["viewer"])]
    ttl: Annotated[
        float | None,
        Field(
            strict=True,
            gt=0,
            le=10 * 366 * 86_400,
            description="Seconds it is valid; default: until it is revoked.",
            examples=[86_400],
        ),
    ] = None


class MadeToken(TokenOut):
    """A new token. Its text is shown this once."""

    token: str


def version_out(version: "Entry") -> VersionOut:
    return VersionOut(
        version=version.version,
        at=version.at,
        actor=version.actor,
        origin=version.origin,
        reason=version.reason,
    )


def changes_out(changes: "tuple[Change, ...]") -> list[ChangeOut]:
    return [
        ChangeOut(place=one.place, field=one.field, before=one.before, after=one.after)
        for one in changes
    ]


def applied(outcome: "Outcome", moved: WhatIfOut) -> Applied:
    after, before = outcome.after, outcome.before
    undo = f"banyan rollback {before.version} --reason '…'" if before and outcome.changed else None
    return Applied(
        changed=outcome.changed,
        version=after.version,
        previous=before.version if before else None,
        at=after.at,
        actor=after.actor,
        reason=after.reason,
        changes=changes_out(outcome.changes),
        moved=moved,
        undo=undo,
    )
