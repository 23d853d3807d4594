"""The trading API on FastAPI; its clients cannot tell it from the Flask app."""

from fastapi_app.app import create_app as create_app
