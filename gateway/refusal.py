"""The gateway's own answer where no stack's can be had."""

import json

from gateway.messages import FAULT, Send


async def refuse(
    send: Send, status: int, error: str, *headers: tuple[bytes, bytes], fault: str = ""
) -> None:
    """Answers with a status and a short JSON body; `fault` is for those who judge the stack."""
    body = json.dumps({"error": error}).encode() + b"\n"
    framing = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "http.response.start", "status": status, "headers": [*framing, *headers]}
    await send({**start, FAULT: fault} if fault else start)
    await send({"type": "http.response.body", "body": body})
