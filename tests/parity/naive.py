"""The port of the twin as a competent FastAPI developer writes it, with nothing of the kit."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

from tests.differential.twin import app as twin
from tests.differential.views.files import FILE
from tests.parity import naive_views
from tests.parity.shared import answers, incoming, routing


def create_app() -> FastAPI:
    """A new naive port."""
    app = FastAPI()
    app.add_middleware(SessionMiddleware, secret_key=str(twin.secret_key))
    app.middleware("http")(_hooks)
    for module in (routing, answers, incoming, naive_views):
        app.include_router(module.router)
    app.mount("/cors", naive_views.mounted("https://a.example"))
    app.mount("/corsstar", naive_views.mounted("*"))
    app.mount("/static", StaticFiles(directory=FILE.parent))
    return app


async def _hooks(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    if request.url.path == "/hookstop":
        response: Response = PlainTextResponse("stopped", status_code=418)
    else:
        response = await call_next(request)
    response.headers["X-After"] = "1"
    return response


app = create_app()
