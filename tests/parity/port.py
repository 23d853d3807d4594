"""The same port with the kit: what a team writes once it knows what its clients notice."""

from typing import Final

from fastapi import FastAPI, Request, Response

from gateway.kit.compat import flask_compatible
from gateway.kit.compat.cors import Cors
from gateway.kit.compat.hooks import Head
from gateway.kit.compat.pages import html
from gateway.kit.compat.tokens import TokenRefused, refuse_token
from gateway.kit.session import FlaskSession
from tests.differential.twin import app as twin
from tests.parity import in_time, port_views
from tests.parity.shared import answers, incoming, routing

_CORS: Final = {
    "/cors/*": Cors(origins="https://a.example"),
    "/corsstar/*": Cors(),
}


def create_app() -> FastAPI:
    """A new port with the kit."""
    app = FastAPI()
    flask_compatible(app, cors=_CORS, before_request=[_stopped], after_request=[_after])
    app.add_middleware(FlaskSession, secret_key=str(twin.secret_key))
    app.exception_handler(TokenRefused)(refuse_token)
    for module in (routing, answers, incoming, port_views, in_time):
        app.include_router(module.router)
    return app


async def _stopped(request: Request) -> Response | None:
    return html("stopped", status=418) if request.url.path == "/hookstop" else None


async def _after(_request: Request, head: Head) -> None:
    head.headers["X-After"] = "1"


app = create_app()
