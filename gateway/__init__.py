"""Banyan: an ASGI strangler-fig gateway between a Flask app and the FastAPI app that replaces it."""
