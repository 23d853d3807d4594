"""A Flask app that computes and a FastAPI app that does not, for `benchmarks.one_gil`."""

from time import thread_time
from typing import Final

from fastapi import FastAPI
from flask import Flask

_SECONDS: Final = 0.005  # of the processor, per request

legacy = Flask("legacy")
modern = FastAPI(telemetry={"tracing": False})


@legacy.get("/busy")
def busy() -> dict[str, bool]:
    end = thread_time() + _SECONDS
    while thread_time() < end:
        sum(range(100))
    return {"busy": True}


@legacy.get("/json")
def legacy_json() -> dict[str, str]:
    return {"hello": "flask"}


@modern.get("/json")
async def modern_json() -> dict[str, str]:
    return {"hello": "fastapi"}
