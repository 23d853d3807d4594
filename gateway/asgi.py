"""Entry module of the data plane for any ASGI server: `uvicorn gateway.asgi:app`."""

from gateway.app import create_app
from gateway.logs import configure_logs
from gateway.memory import share_one_arena
from gateway.settings import Settings

share_one_arena()
configure_logs()
app = create_app(Settings())
