"""The port with its first route, as one writes it without thinking of Flask."""

from fastapi import FastAPI
from lending_api import books  # type: ignore[import-not-found]  # docs write that module

app = FastAPI()
app.include_router(books.router)
