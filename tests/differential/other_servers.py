"""What plain servers do before the gateway is asked, or after it has answered, and no ASGI code mends.

Only what is listed here may differ under them; the rest of the chosen rows must be gunicorn's.
"""

from collections.abc import Iterator
from typing import Final

from tests.differential.remainder import Listed

# The rows where servers differ at all, or where the gateway mends what they let pass.
ROWS: Final = frozenset(
    {
        *("P021", "P064", "P090", "P091", "P117", "P118", "P119", "P120", "P121", "P123", "P124"),
        *("P125", "P126", "P127", "P131", "P134", "P141", "T66"),
        *("B001", "B010", "B011", "B012", "B025", "B110"),
    }
)

_HTTPTOOLS: Final = "uvicorn httptools"
_H11: Final = "uvicorn h11"
_ASGI: Final = "gunicorn asgi"
_CHUNKED: Final = ("transfer-encoding",)


def _listed(server: str, reason: str, what: tuple[str, ...], *probes: str) -> Iterator[Listed]:
    for probe in probes:
        yield Listed(probe, frozenset(what), reason, (server,))


def _everywhere() -> Iterator[Listed]:
    for server in (_HTTPTOOLS, _H11, _ASGI):
        reason = "the server drops a client that stops sending before it is answered"
        yield from _listed(server, reason, ("status",), "B011-post-of-1.0-without-a-length")


OTHER_SERVERS: Final[tuple[Listed, ...]] = (
    *_everywhere(),
    *_listed(
        _HTTPTOOLS, "httptools knows a fixed set of methods", ("status",), "P124-unknown-method"
    ),
    *_listed(
        _HTTPTOOLS,
        "httptools refuses an absolute target without a path",
        ("status",),
        "P021-absolute-form-without-a-path",
        "P021-absolute-form-only-a-query",
    ),
    *_listed(
        _HTTPTOOLS,
        "uvicorn with httptools sends chunks to HTTP/1.0",
        (*_CHUNKED, "framing"),
        "P125-stream-to-1.0",
        "P125-stream-to-1.0-kept",
        *(
            f"P125-bare-{case}-to-1.0"
            for case in ("plain", "lazy", "write", "empty", "file", "raises-midway")
        ),
    ),
    *_listed(
        _HTTPTOOLS,
        "uvicorn with httptools sends 100 to HTTP/1.0",
        ("conversation",),
        "P118-expect-of-1.0",
    ),
    *_listed(_HTTPTOOLS, "a request line without a version is waited on", ("status",), "B012-0.9"),
    *_listed(_H11, "a request line without a version is waited on", ("status",), "B012-0.9"),
    *_listed(_H11, "h11 refuses a request without Host", ("status",), "P117-no-host"),
    *_listed(_H11, "h11 takes a bare LF for the end of a line", ("status",), "P123-bare-lf"),
    *_listed(_H11, "h11 refuses a lone line end aloud", ("status",), "B012-nothing-but-a-line-end"),
    *_listed(
        _H11,
        "uvicorn with h11 adds Transfer-Encoding to the HEAD of a stream",
        _CHUNKED,
        "B025-head-of-a-stream",
        *(
            f"B025-head-of-bare-{case}"
            for case in ("plain", "write", "lazy", "file", "raises-midway", "empty")
        ),
    ),
    *_listed(
        _ASGI,
        "gunicorn asgi holds the head back until a body begins, and here none does",
        ("status",),
        "B025-head-of-bare-raises-midway",
    ),
    *_listed(
        _ASGI,
        "gunicorn asgi keeps a connection that the gateway asks it to close",
        ("connection",),
        "P119-unknown-expectation",
        "P119-expectation-of-a-get",
        "P119-empty-expectation",
    ),
)
