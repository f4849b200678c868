"""What every stream begins with: a WebSocket handshake, and which subprotocols are ours.

A client that speaks SPDY reaches this endpoint through the API server, which passes its bytes on in the binary
messages of a WebSocket; ``SPDY/3.1+`` before the stream protocol's name says so, as upstream has it for port-forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import aiohttp
from aiohttp import web

SPDY_PREFIX: Final = "SPDY/3.1+"
_PING_SECONDS: Final = 60.0
_LARGEST_MESSAGE_BYTES: Final = 4 * 1024 * 1024


def check_upgrade(request: web.Request, supported: Sequence[str]) -> str:
    """The subprotocol that both sides know, the client's first choice.

    Raises HTTPBadRequest unless the request is a WebSocket handshake with a subprotocol of ours.
    """
    if request.headers.get("Upgrade", "").lower() != "websocket":
        asked = request.headers.get("Upgrade") or "none"
        raise web.HTTPBadRequest(text=f"unable to upgrade: only websocket is supported, request asked for: {asked}")
    offered = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    chosen = next((protocol for protocol in offered if protocol in supported), None)
    if chosen is None:
        raise web.HTTPBadRequest(
            text=f"unable to negotiate protocol: client supports {offered}, server supports {list(supported)}"
        )
    return chosen


async def accept(request: web.Request, protocol: str) -> web.WebSocketResponse:
    """Answers the handshake."""
    socket = web.WebSocketResponse(
        protocols=(protocol,), heartbeat=_PING_SECONDS, max_msg_size=_LARGEST_MESSAGE_BYTES, compress=False
    )
    await socket.prepare(request)
    return socket


class Tunnel:
    """A WebSocket's binary messages as a :class:`kubelet.spdy.connection.ByteStream`."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        """The next message; empty once the WebSocket has ended."""
        while True:
            message = await self._socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                if message.data:
                    return bytes(message.data)
            elif message.type is not aiohttp.WSMsgType.TEXT:
                return b""

    async def write(self, data: bytes) -> None:
        """One message."""
        await self._socket.send_bytes(data)
