"""The pages that FastAPI adds by itself are unknown paths to a client of the Flask app.

They show the API's surface and may hide a path that the Flask app answers. `app.openapi()` stays.
May go once the documentation is meant to be public.
"""

from fastapi import FastAPI
from starlette.routing import Route


def hide_docs(app: FastAPI) -> None:
    """Take the routes away that `FastAPI()` itself has added."""
    paths = {
        app.openapi_url,
        app.docs_url,
        app.redoc_url,
        app.swagger_ui_oauth2_redirect_url,
    }
    for route in app.router.routes.copy():
        if type(route) is Route and route.path in paths:
            app.router.routes.remove(route)
