"""Answers of the twins, side by side."""

from tests.drive import Answer, Request
from tests.kit.fastapi_twin import fastapi_twin
from tests.kit.flask_twin import flask_twin


def comparable(answer: Answer) -> object:
    """The answer with what is a set made one, and without Flask's Content-Length of streams."""
    headers = {name: answer.header(name) for name, _ in answer.headers}
    headers["allow"] = str(sorted((headers.get("allow") or "").replace(" ", "").split(",")))
    return answer.status, headers, answer.body


async def assert_alike(request: Request) -> None:
    expected = await flask_twin().send(request)
    assert comparable(await fastapi_twin().send(request)) == comparable(expected)
