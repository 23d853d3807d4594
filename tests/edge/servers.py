"""Servers before the corpus' Flask app."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.e2e.processes import banyan, started, wait

_APP: Final = "tests.edge.apps:app"
_GUNICORN: Final = (
    "gunicorn",
    "-k",
    "gthread",
    "--threads=4",
    "--no-control-socket",
    "--bind=127.0.0.1:0",
    _APP,
)
_UVICORN: Final = (
    "uvicorn",
    "--http=httptools",
    "--port=0",
    "--no-access-log",
    "tests.edge.apps:asgi",
)
SERVERS: Final = {"banyan": (), "gunicorn": _GUNICORN, "uvicorn": _UVICORN}
_LISTENS: Final = re.compile(r"(?:Listening at|running on):? http://127\.0\.0\.1:(\d+)")


@contextmanager
def serving(name: str, folder: Path, **environ: str) -> Iterator[int]:
    """The port of a server that answers."""
    folder.mkdir(exist_ok=True)
    if name == "banyan":
        (folder / "traffic.yaml").write_text("phase: gradual\ndefaults: {modern: 0}\n")
        with banyan(folder, "serve", BANYAN_LEGACY=_APP, **environ) as running:
            yield int(running.url("gateway").rsplit(":", 1)[1])
        return
    with started(folder, *SERVERS[name], **environ) as running:
        wait(lambda: _LISTENS.search(running.errors))
        found = _LISTENS.search(running.errors)
        assert found is not None
        yield int(found[1])
