"""A load generator in a process of its own: keep-alive connections that check every answer."""

import asyncio
import sys
from typing import Final

_REQUEST: Final = (
    b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n"
    b"Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nCookie: theme=dark; sid=%d\r\n"
    b"X-API-Key: client-%d\r\n\r\n"
)


async def _connection(port: int, path: bytes, body: bytes, count: int, first: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(first, first + count):
        writer.write(_REQUEST % (path, number, number))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        answer = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200") or answer.strip() != body:
            raise SystemExit(f"a wrong answer: {head + answer!r}")
    writer.close()


async def main(port: int, path: bytes, body: bytes, requests: int, connections: int) -> None:
    share = requests // connections
    runs = (_connection(port, path, body, share, n * share) for n in range(connections))
    await asyncio.gather(*runs)


if __name__ == "__main__":
    port, path, body, requests, connections = sys.argv[1:]
    asyncio.run(main(int(port), path.encode(), body.encode(), int(requests), int(connections)))
