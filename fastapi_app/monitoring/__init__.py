"""Monitoring: endpoints and schemas."""

from fastapi_app.monitoring.router import router as router
