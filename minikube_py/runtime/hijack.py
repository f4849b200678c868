"""A connection that stops being HTTP: its bytes are taken over from the HTTP server that has accepted it.

The server's own protocol goes on being told of everything but the bytes: that writing has to pause, and that the
connection has been lost. So it keeps its books, and a server that shuts down finds and closes the connection.
"""

from __future__ import annotations

import asyncio
from typing import Final

HELD_BYTES: Final = 256 * 1024
"""What has come and has not been read, before the peer is read no further."""


class HijackedConnection(asyncio.Protocol):
    """The bytes of a connection, both ways. The server must not have more bytes of it than its request."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._server = transport.get_protocol()
        self._received = bytearray()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._paused = False
        self.ended = False
        """Whether the peer has gone, or the connection was closed."""
        transport.set_protocol(self)
        transport.resume_reading()

    async def read(self) -> bytes:
        """The next bytes, as they come; empty at the end."""
        while not self._received:
            if self.ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._received)
        self._received.clear()
        if self._paused and not self.ended:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Returns when there is room for more. Raises ConnectionError once the peer has gone."""
        if self.ended or self._transport.is_closing():
            raise ConnectionResetError("the peer has gone")
        self._transport.write(data)
        await self._writable.wait()

    def close(self) -> None:
        """Ends the connection once what was written has been sent."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """For the transport."""
        self._received += data
        self._arrived.set()
        if len(self._received) >= HELD_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """For the transport, which closes: TLS knows no half-closed connection."""
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """For the transport."""
        self._end()
        self._server.connection_lost(exc)

    def pause_writing(self) -> None:
        """For the transport."""
        self._writable.clear()
        if isinstance(self._server, asyncio.Protocol):
            self._server.pause_writing()

    def resume_writing(self) -> None:
        """For the transport."""
        self._writable.set()
        if isinstance(self._server, asyncio.Protocol):
            self._server.resume_writing()

    def _end(self) -> None:
        self.ended = True
        self._arrived.set()
        self._writable.set()
