"""The JSON schema of a plan, for editors; the rules that only compiling can check are not in it."""

from typing import Any, Final

from gateway.plan.model import Plan

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def plan_schema() -> dict[str, Any]:
    """Draft 2020-12."""
    schema = Plan.model_json_schema(mode="validation")
    return {"$schema": _DIALECT, "title": "Banyan traffic plan", **schema}
