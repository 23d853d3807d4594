"""The Flask app of `benchmarks.bulk`: large answers, large requests."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from flask import Flask, Response, request, send_file

PART: Final = bytes(range(256)) * 256  # 64 KiB
FILE: Final = "bulk.bin"  # in the current folder, as many PARTs as the benchmark asks for
app = Flask("bulk", root_path=str(Path.cwd()))


@app.get("/json")
def ready() -> dict[str, bool]:
    return {"ready": True}


@app.get("/generator/<int:parts>/<int:size>")
def generator(parts: int, size: int) -> Response:
    """`parts` parts of `size` bytes, which divides 65 536."""

    def body() -> Iterator[bytes]:
        for _ in range(parts):
            yield PART[:size]

    return Response(body(), headers={"Content-Length": str(parts * size)})


@app.get("/file")
def file() -> Response:
    return send_file(FILE, conditional=False)


@app.post("/upload")
def upload() -> dict[str, int]:
    size, check = 0, 0
    while part := request.stream.read(1 << 16):
        size += len(part)
        if "check" in request.args:
            check = zlib.crc32(part, check)
    return {"size": size, "check": check}
