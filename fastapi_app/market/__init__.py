"""Market data: endpoints and schemas."""

from fastapi_app.market.router import router as router
