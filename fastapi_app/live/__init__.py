"""The live portfolio: endpoints and schemas."""

from fastapi_app.live.router import router as router
