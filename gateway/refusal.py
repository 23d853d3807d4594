"""The gateway's own answer where no stack's can be had."""

import json

from gateway.messages import Send


async def refuse(send: Send, status: int, error: str, *headers: tuple[bytes, bytes]) -> None:
    """Answers with a status and a short JSON body."""
    body = json.dumps({"error": error}).encode() + b"\n"
    framing = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*framing, *headers]})
    await send({"type": "http.response.body", "body": body})
