"""The smallest pair of apps: one JSON route in Flask and in FastAPI."""

from typing import Any

from fastapi import FastAPI
from flask import Flask

legacy = Flask("legacy")
modern = FastAPI(telemetry={"tracing": False})


@legacy.get("/json")
def legacy_json() -> dict[str, Any]:
    return {"hello": "world"}


@modern.get("/json")
async def modern_json() -> dict[str, str]:
    return {"hello": "world"}
