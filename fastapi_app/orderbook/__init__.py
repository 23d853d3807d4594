"""Order books of several exchanges: endpoints and schemas."""

from fastapi_app.orderbook.router import router as router
