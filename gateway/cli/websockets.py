"""WebSockets as `banyan` serves them: uvicorn's protocol, with its gaps closed.

uvicorn 0.54 answers pings without asking whether the client reads, so that a flood of them grows
the write buffer without end. It never gives up on a client that does not read, not even when it
stops. And it logs an error for every handshake that an app refuses with a status of its own.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Reads nothing while the client does not."""

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def shutdown(self) -> None:
        super().shutdown()
        self._give_up_on_the_deaf()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._give_up_on_the_deaf()

    async def receive(self) -> Any:
        message = await super().receive()  # may have resumed
        if not self.writable.is_set():
            self.transport.pause_reading()
        return message

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True

    def _give_up_on_the_deaf(self) -> None:
        """Closing waits until everything is written, which may never be."""
        if not self.writable.is_set():
            self.transport.abort()
