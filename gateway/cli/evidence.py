"""`banyan evidence` and `banyan ack`: what there is for and against modern, and going on after a rollback."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli import complete
from gateway.cli.flags import Json, Server
from gateway.cli.look import when
from gateway.cli.output import print_json
from gateway.cli.table import console, number, table, whole, words
from gateway.cli.text import marked, printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.control.judging import EvidenceOut, SideOut
    from gateway.settings import Settings

Route = Annotated[
    str, typer.Argument(help="As in the plan: 'GET /api/balances'.", autocompletion=complete.routes)
]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the audit for ever.")]
_SIGHTINGS: Final = 10  # shown


def evidence(
    settings: "Settings", route: Route, server: Server = None, json_: Json = False
) -> None:
    """Show both stacks side by side on a route, the verdict, and what is still needed for one."""
    from rich.console import Group

    from gateway.cli.client import client_of
    from gateway.control.judging import EvidenceOut

    answer = client_of(settings, server).ask("GET", "/evidence", params={"route": route})
    if json_:
        print_json(answer)
        return
    console().print(Group(*screen(EvidenceOut.model_validate(answer))))


def ack(
    settings: "Settings",
    route: Route,
    reason: Why,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Begin a route's evidence anew; one that was rolled back may rise again."""
    from gateway.cli.client import client_of

    body = {"route": route, "reason": reason}
    answer = client_of(settings, server).ask("POST", "/evidence/ack", body=body)
    if json_:
        print_json(answer)
    else:
        typer.echo(f"{printable(answer['route'])} may rise; its evidence begins anew")


def screen(found: "EvidenceOut") -> Iterator["RenderableType"]:
    """The verdict, both stacks, each signal, and what stands in the way."""
    color = {"worse": "red", "not worse": "green"}.get(found.verdict, "yellow")
    yield f"[bold]{marked(found.route)}[/bold] · {found.split:g} % to modern"
    yield f"[{color}]{marked(found.text)}[/{color}]"
    if found.latch is not None:
        yield f"[red]latched[/red] since {when(found.latch.at)}: {marked(found.latch.reason)}"
        yield f"[dim]once that is mended: banyan ack '{marked(found.route)}' --reason '…'[/dim]"
    yield ""
    yield _sides(found)
    yield ""
    yield from _signals(found)
    for worker, state in found.breakers.items():
        yield f"[red]breaker[/red] {marked(worker)}: {marked(state)}"
    for hold in found.holds:
        yield f"[yellow]holds a ramp[/yellow] {marked(hold)}"
    if found.ramp is not None:
        yield f"ramp {found.ramp.state} at {found.ramp.split:g} %: {marked(found.ramp.why)}"
    counts = found.shadow.model_dump(exclude={"sample"})
    told = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    if found.shadow.sample or told:
        yield f"shadows of {found.shadow.sample:g} %: {told or 'none yet'}"
    if found.sightings:
        yield ""
        yield from _sightings(found)


def _sides(found: "EvidenceOut") -> "RenderableType":
    titles = "requests", "errors", "rate", "95 % interval", "p50", "p95", "p99"
    rows = table(words(""), *map(number, titles))
    for name, side in (("legacy", found.legacy), ("modern", found.modern)):
        rows.add_row(name, *_cells(side))
    return rows


def _cells(side: "SideOut") -> list[str]:
    if side.rate is None:
        return ["0"]
    times = (side.p50, side.p95, side.p99)
    return [
        str(side.requests),
        str(side.failures),
        f"{side.rate:.3%}",
        f"{side.low:.3%} to {side.high:.3%}",
        *("" if one is None else f"{one * 1000:.1f} ms" for one in times),
    ]


def _signals(found: "EvidenceOut") -> Iterator["RenderableType"]:
    rows = table(words("signal"), number("legacy"), number("modern"), words("verdict"))
    for one in found.signals:
        rows.add_row(
            one.signal,
            str(found.legacy.events[one.signal]),
            str(found.modern.events[one.signal]),
            f"{one.verdict} [dim]{marked(one.text.rsplit('; ', 1)[-1])}; then: {one.action}[/dim]",
        )
    yield rows
    yield "[dim]events: of a client and kind one a minute[/dim]"


def _sightings(found: "EvidenceOut") -> Iterator["RenderableType"]:
    """What is news first, then the latest."""
    newest = sorted(found.sightings, key=lambda one: (not one.news, -one.last))
    rows = table(words("seen"), words("stack"), number("times"), whole("last"), words("where"))
    for one in newest[:_SIGHTINGS]:
        kind = f"{one.kind} [yellow]new[/yellow]" if one.news else one.kind
        rows.add_row(kind, one.stack, str(one.count), when(one.last), marked(one.what))
    yield rows
    if len(newest) > _SIGHTINGS:
        yield f"[dim]and {len(newest) - _SIGHTINGS} more: --json[/dim]"
