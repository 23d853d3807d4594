"""Entry module of the data plane for any ASGI server: `uvicorn gateway.asgi:app`."""

from gateway.app import create_app
from gateway.settings import Settings

app = create_app(Settings())
