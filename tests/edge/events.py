"""What the pure parts of the edge make of a stream of bytes, fed in any pieces."""

from collections.abc import Iterable

from gateway.edge.body import BodyReader, body_reader
from gateway.edge.head import Head, read_head
from gateway.edge.limits import Limits
from gateway.edge.refusal import Refused
from gateway.edge.scanner import Scanner

Event = Head | bytes | str  # a head, a whole body, or the reason of a refusal


def events(pieces: Iterable[bytes], limits: Limits, *, trusted: bool = True) -> list[Event]:
    """Heads and bodies in their order; a body that does not end is left out."""
    found: list[Event] = []
    scanner, body, held = Scanner(limits), None, b""
    try:
        for piece in pieces:
            data = piece
            while data:
                if body is None:
                    head = scanner.feed(data)
                    if head is None:
                        break
                    read = read_head(head[0], limits, trusted=trusted)
                    found.append(read)
                    body, held, data = body_reader(read.length, limits), b"", head[1]
                elif not body.done:
                    held += body.feed(data)
                    data = b""
                body, data = _end(body, data, held, found)
    except Refused as refused:
        found.append(refused.reason.value)
    return found


def _end(
    body: BodyReader | None, data: bytes, held: bytes, found: list[Event]
) -> tuple[BodyReader | None, bytes]:
    if body is None or not body.done:
        return body, data
    found.append(held)
    return None, data or body.rest
