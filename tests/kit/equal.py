"""When two answers are equal: what is a set is compared as one, what the server adds is ignored."""

from flask import Flask

from tests.drive import Answer, AsgiTarget, Request, WsgiTarget

Comparable = tuple[int, dict[str, list[list[str]]], bytes]

SETS = {"allow", "vary", "access-control-allow-methods", "access-control-allow-headers"}


def quiet_flask(name: str) -> Flask:
    """A Flask app without a static route, whose crashes are not logged."""
    app = Flask(name, static_folder=None)
    app.logger.disabled = True
    return app


def comparable(answer: Answer) -> Comparable:
    """Status, headers and body; each Set-Cookie line by itself, its attributes a set."""
    lines = [(n, _value(n, v)) for n, v in answer.headers if n != "date"]
    names = {name for name, _ in lines}
    return (
        answer.status,
        {name: sorted(value for n, value in lines if n == name) for name in names},
        answer.body,
    )


async def both(
    flask: Flask, fastapi: AsgiTarget, request: Request
) -> tuple[Comparable, Comparable]:
    """The answers of the two to the same request."""
    expected = await WsgiTarget(flask).send(request)
    return comparable(await fastapi.send(request)), comparable(expected)


def _value(name: str, value: str) -> list[str]:
    if name == "set-cookie":
        pair, *attributes = value.split("; ")
        return [pair, *sorted(attributes)]
    return sorted(value.replace(" ", "").split(",")) if name in SETS else [value]
