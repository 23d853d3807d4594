"""Strategies and indicators: endpoints and schemas."""

from fastapi_app.strategy.router import indicators as indicators
from fastapi_app.strategy.router import router as router
