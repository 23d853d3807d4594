"""The smallest pair of apps that tell which process answers, and read a body: `tests.deploy.pair:legacy`."""

import os

from fastapi import FastAPI, Request
from flask import Flask, request

legacy = Flask("legacy")
modern = FastAPI(telemetry={"tracing": False})

NAMED = {"BANYAN_LEGACY": "tests.deploy.pair:legacy", "BANYAN_MODERN": "tests.deploy.pair:modern"}


@legacy.get("/pid")
def legacy_pid() -> dict[str, int]:
    return {"pid": os.getpid()}


@modern.get("/pid")
async def modern_pid() -> dict[str, int]:
    return {"pid": os.getpid()}


@legacy.post("/length")
def legacy_length() -> dict[str, int]:
    return {"length": len(request.get_data())}


@modern.post("/length")
async def modern_length(asked: Request) -> dict[str, int]:
    return {"length": len(await asked.body())}
