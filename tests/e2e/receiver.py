"""A webhook's other end: takes what comes, and keeps what is signed as Standard Webhooks 1.0 has it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import time
from typing import Any

KEY = b"a key of the receiver's own, 32 b"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass
class Receiver:
    """What came, as JSON, and what was signed badly."""

    url: str
    taken: list[dict[str, Any]] = field(default_factory=list)
    forged: list[Mapping[str, str]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.taken if one["type"] == kind]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """On a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if genuine(headers, body):
                found.taken.append(json.loads(body))
            else:
                found.forged.append(headers)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}/hooks/banyan")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def genuine(headers: Mapping[str, str], body: bytes) -> bool:
    """The sender has the key, and signed now."""
    name, when = headers["webhook-id"], headers["webhook-timestamp"]
    digest = hmac.new(KEY, f"{name}.{when}.".encode() + body, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    fresh = abs(time() - int(when)) < 300
    return fresh and hmac.compare_digest(headers["webhook-signature"], expected)
