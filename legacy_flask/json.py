"""JSON as the contract wants it."""

from typing import Any

from flask.json.provider import DefaultJSONProvider


class ContractJSONProvider(DefaultJSONProvider):
    """Compact also in debug mode; NaN and Infinity are no JSON and therefore an error."""

    compact = True

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return super().dumps(obj, allow_nan=False, **kwargs)
