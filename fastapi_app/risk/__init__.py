"""Risk: endpoints and schemas."""

from fastapi_app.risk.router import router as router
