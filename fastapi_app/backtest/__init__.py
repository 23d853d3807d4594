"""Backtests: endpoints and schemas."""

from fastapi_app.backtest.router import router as router
