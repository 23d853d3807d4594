"""The usual answer without a gateway: Flask mounted in FastAPI through a2wsgi, moved path by path."""

from typing import Any, cast

from a2wsgi import WSGIMiddleware

from benchmarks.legacy_app import legacy
from benchmarks.modern_app import modern as app

# Both libraries write WSGI's types down, each in its own way
app.mount("/flask", cast("Any", WSGIMiddleware(cast("Any", legacy))))
