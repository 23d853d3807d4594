"""The smallest Flask app: what every server in front of it adds is what is measured."""

from typing import Any

from flask import Flask

legacy = Flask("legacy")


@legacy.get("/json")
def legacy_json() -> dict[str, Any]:
    return {"hello": "world"}


@legacy.get("/stack")
def legacy_stack() -> dict[str, Any]:
    """Which stack has answered."""
    return {"stack": "flask"}
