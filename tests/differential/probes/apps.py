"""What WSGI apps may do, and do wrong (I of the parity list; B050, B052, B036, B038; T01-T20)."""

from tests.differential.probes.probe import chunked, get, post, probe, request
from tests.differential.views.incoming import WAYS

_LINES = b"ab\ncdefg\n\nlast"
# What each bare app shows; those that crash before anything was sent are 500 under gunicorn.
_ROWS = {
    "B052": (
        "plain", "write", "write-only", "replaced", "replaced-late", "twice", "empty", "empty-parts", "lazy",
        "lazy-length", "late-start", "file", "file-length", "file-short", "file-skip", "file-memory", "long",
        "long-one", "short", "zero", "bytes-status", "bytes-value", "bytes-name", "never-starts", "returns-none",
        "text-part", "text-first", "closing", "two-types", "205", "500",
    ),
    "B036": (
        "no-reason", "custom", "empty-reason", "latin-reason", "bad-status", "word-status", "latin", "wide",
        "spaces", "bad-name", "empty-name", "crlf", "lf", "cr", "nul", "crlf-status", "cookies", "many-headers",
        "large-header",
    ),
    "B038": (
        "connection", "keep-alive", "chunked", "chunked-length", "chunked-body", "upgrade", "hop", "trailer",
        "proxy-connection", "server-date", "two-lengths", "two-other-lengths", "bad-length", "minus-length",
    ),
    "B025": ("204-body", "204-length", "304-body"),
    "B050": (
        "raises", "raises-started", "raises-lazily", "raises-before-part", "raises-midway", "raises-midway-length",
    ),
}  # fmt: skip
_HEADS = (
    "plain",
    "write",
    "lazy",
    "file",
    "file-length",
    "long",
    "short",
    "raises-midway",
    "zero",
    "empty",
    "closing",
)
# gunicorn keeps a connection on which it owes bytes: without this the end would only come after 2 s.
_CLOSING = dict.fromkeys(("short", "minus-length"), ("Connection: close",))
_OLD = ("plain", "lazy", "write", "empty", "file", "raises-midway")

PROBES = (
    *(
        probe(row, f"bare {case}", get(f"/wsgi/{case}", *_CLOSING.get(case, ())))
        for row, cases in _ROWS.items()
        for case in cases
    ),
    *(probe("B025", f"head of bare {case}", request("HEAD", f"/wsgi/{case}")) for case in _HEADS),
    *(probe("P125", f"bare {case} to 1.0", get(f"/wsgi/{case}", version="1.0")) for case in _OLD),
    *(probe("T03", f"input {way}", post(f"/input/{way}", _LINES), 200) for way in WAYS),
    *(
        probe("T03", f"chunked input {way}", chunked(f"/input/{way}", _LINES[:4], _LINES[4:]), 200)
        for way in WAYS
    ),
    probe("P139", "lines of the stream", post("/streamed", b"ab\ncd\n"), 200),
    probe("P139", "lines of a chunked stream", chunked("/streamed", b"ab\nc", b"d\n"), 200),
    probe("P141", "told to errors", get("/errors"), 200),
    probe(
        "P135",
        "closed after its end",
        get("/wsgi/closing") + get("/wsgi/open"),
        200,
        answers=("GET", "GET"),
    ),
    probe("P134", "stream", get("/stream"), 200),
    probe("P134", "slow stream", get("/slowgen?parts=3&pause=0.01"), 200),
    probe("P134", "stream of many parts", get("/many?n=300&size=2000"), 200),
    probe("P134", "stream of large parts", get("/many?n=6&size=300000"), 200),
    *(
        probe("T17", f"{n} parts of {size}", get(f"/many?n={n}&size={size}"), 200)
        for n, size in (
            (0, 1),
            (1, 10),
            (2, 1),
            (1000, 1),
            (3, 262_144),
            (3, 262_145),
            (40, 65_536),
        )
    ),
    probe("B050", "stream that breaks", get("/brokengen"), 200),
    probe("B050", "stream that breaks to 1.0", get("/brokengen", version="1.0"), 200),
    probe("P131", "latin-1 header", get("/xhdr"), 200),
    probe("P133", "script name header", get("/environ", "Script-Name: /x"), 200),
    probe("P133", "script name underscored", get("/environ", "SCRIPT_NAME: /environ")),
    probe("P136", "forwarded prefix", get("/environ", "X-Forwarded-Prefix: /p"), 200),
    probe("P137", "underscore and dash", get("/environ", "X_A: 1", "X-A: 2"), 200),
    probe("B032", "own header of the gateway", get("/hdr", "X-Banyan-Stack: modern"), 200),
)
