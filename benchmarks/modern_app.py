"""The same app in FastAPI."""

from fastapi import FastAPI

modern = FastAPI(telemetry={"tracing": False})


@modern.get("/json")
async def modern_json() -> dict[str, str]:
    return {"hello": "world"}


@modern.get("/stack")
async def modern_stack() -> dict[str, str]:
    """Which stack has answered."""
    return {"stack": "fastapi"}
