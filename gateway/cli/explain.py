"""`banyan validate`, `banyan explain` and `banyan whatif`: the questions that change nothing."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.flags import Json, Server
from gateway.cli.output import fail, print_json
from gateway.cli.text import printable

if TYPE_CHECKING:
    from gateway.settings import Settings

_SPACE = 100_000  # buckets, gateway.routes.SPACE; imported it would cost `--help` its speed


def validate(
    settings: "Settings",
    file: Annotated[Path, typer.Argument(help="A plan; `-` reads standard input.")],
    server: Server = None,
    json_: Json = False,
) -> None:
    """Check a traffic plan against what the stacks serve; 0 accepted, 1 refused."""
    problems, answer = _checked(settings, file, server)
    if json_:
        print_json({"accepted": not problems, "problems": problems, **answer})
    elif problems:
        typer.echo("\n".join(map(printable, problems)), err=True)
    else:
        rules = f"{answer['rules']} rule{'' if answer['rules'] == 1 else 's'}"
        told = f"phase {answer['phase']}, {rules}, {answer['above_zero']} above 0 %"
        typer.echo(f"{file}: accepted; {told}; it would change:")
        from gateway.cli.change import changes

        for line in changes(answer["changes"]) or ["nothing"]:
            typer.echo(f"  {line}")
    raise typer.Exit(1 if problems else 0)


def explain(  # noqa: PLR0913, PLR0917 (each is an argument or option of the command)
    settings: "Settings",
    method: Annotated[str, typer.Argument(help="GET, POST, …")],
    path: Annotated[str, typer.Argument(help="The path of the request.")],
    header: Annotated[list[str], typer.Option(help="`Name: value`; may be repeated.")] = [],
    client: Annotated[str, typer.Option(help="The client's address.")] = "127.0.0.1",
    file: Annotated[Path | None, typer.Option(help="A plan; default: the one in force.")] = None,
    server: Server = None,
    json_: Json = False,
) -> None:
    """Say which stack would answer a request, and why: the decision of the hot path, step by step."""
    from gateway.cli.client import client_of
    from gateway.cli.planfile import named_plan_text, naming

    asked: dict[str, Any] = {
        "method": method,
        "path": path,
        "headers": [_pair(one) for one in header],
        "client": client,
        "document": named_plan_text(file) if file else None,
    }
    with naming(file) if file else nullcontext():
        answer = client_of(settings, server).ask("POST", "/explain", body=asked)
    if json_:
        print_json(answer)
        return
    for name, text in _lines(answer):
        typer.echo(printable(f"  {name:<15} {text}"))


def _checked(
    settings: "Settings", file: Path, server: str | None
) -> tuple[list[str], dict[str, Any]]:
    """What is wrong with a plan file, as `file:line: …`, or what it would change."""
    from gateway.cli.answers import Refused, line
    from gateway.cli.client import client_of
    from gateway.cli.planfile import plan_text
    from gateway.plan.document import PlanRefused

    try:
        text = plan_text(file)
        answer = client_of(settings, server, apps_first=True).ask(
            "POST", "/plan/check", body={"document": text}
        )
    except PlanRefused as refusal:
        return [f"{file}: {problem}" for problem in refusal.problems], {}
    except Refused as refused:
        if refused.problem.get("code") != "plan_refused":
            raise
        return [f"{file}: {line(one)}" for one in refused.problem["problems"]], {}
    return [], answer


def _lines(answer: dict[str, Any]) -> list[tuple[str, str]]:
    label = answer["route"] or f"no route of the table: unmatched{_said(answer['front_door'])}"
    return [
        ("route", label),
        ("unit", f"{answer['unit']} → bucket {answer['bucket']} of {_SPACE}"),
        *answer["steps"].items(),
        ("answer", f"{answer['stack']} ({answer['reason']})"),
    ]


def _said(front_door: dict[str, Any] | None) -> str:
    if front_door is None:
        return ""
    what = front_door["location"] or ", ".join(front_door["allow"])
    return f"; the front door says {front_door['status']}{what and f' ({what})'}"


def _pair(header: str) -> tuple[str, str]:
    name, colon, value = header.partition(":")
    if not colon:
        fail(f"--header {header!r} is no `Name: value`", 2)
    return name.strip(), value.strip()
