"""Portfolio: endpoints and schemas."""

from fastapi_app.portfolio.router import router as router
