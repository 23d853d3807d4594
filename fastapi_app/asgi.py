"""`uvicorn fastapi_app.asgi:app`"""

from fastapi_app.app import create_app
from shared_services.access import settings_or_exit

app = create_app(settings_or_exit())
