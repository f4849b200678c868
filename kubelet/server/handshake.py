"""What every stream begins with: an upgrade to a WebSocket or to SPDY/3.1, and the protocol spoken in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import web

from minikube_py.runtime.hijack import HijackedConnection

SPDY_PREFIX: Final = "SPDY/3.1+"
"""Before a stream protocol's name: its SPDY frames are in the binary messages of a WebSocket."""
_STREAM_PROTOCOL: Final = "X-Stream-Protocol-Version"
_ACCEPTED: Final = "X-Accepted-Stream-Protocol-Versions"
_PING_SECONDS: Final = 60.0
_LARGEST_MESSAGE_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides know: whether the connection becomes SPDY/3.1 or a WebSocket, and the protocol in it."""

    spdy: bool
    protocol: str


def agree(request: web.Request, *, web_socket: Sequence[str], spdy: Sequence[str]) -> Agreed:
    """The client's first choice of those that are supported.

    A WebSocket client that names no protocol offers the empty one. A SPDY client that names none speaks the eldest, the
    last. Raises HTTPBadRequest, and HTTPForbidden where no
    protocol of a SPDY client is supported, as upstream.
    """
    asked = request.headers.get("Upgrade", "")
    if asked.lower() == "websocket":
        offered = _named(request, "Sec-WebSocket-Protocol") or [""]
        chosen = next((protocol for protocol in offered if protocol in web_socket), None)
        if chosen is None:
            raise web.HTTPBadRequest(text=_no_protocol(offered, web_socket))
        return Agreed(False, chosen)
    if asked.lower() != "spdy/3.1" or not spdy:
        raise web.HTTPBadRequest(
            text=f"unable to upgrade: only websocket and SPDY/3.1 are supported, request asked for: {asked or 'none'}"
        )
    offered = _named(request, _STREAM_PROTOCOL) or [spdy[-1]]
    chosen = next((protocol for protocol in offered if protocol in spdy), None)
    if chosen is None:
        raise web.HTTPForbidden(text=_no_protocol(offered, spdy), headers=[(_ACCEPTED, name) for name in spdy])
    return Agreed(True, chosen)


def _named(request: web.Request, header: str) -> list[str]:
    values = request.headers.getall(header, [])
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _no_protocol(offered: Sequence[str], supported: Sequence[str]) -> str:
    shown = " ".join(offered)
    return f"unable to upgrade: unable to negotiate protocol: client supports [{shown}], server accepts {[*supported]}"


async def accept_web_socket(request: web.Request, protocol: str) -> web.WebSocketResponse:
    """Answers a WebSocket's handshake."""
    socket = web.WebSocketResponse(
        protocols=(protocol,) if protocol else (),
        heartbeat=_PING_SECONDS,
        max_msg_size=_LARGEST_MESSAGE_BYTES,
        compress=False,
    )
    await socket.prepare(request)
    return socket


def accept_spdy(request: web.Request, protocol: str) -> HijackedConnection:
    """Answers ``101`` and takes the connection over. Raises ConnectionResetError where it has been lost."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has gone")
    head = f"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n{_STREAM_PROTOCOL}: {protocol}\r\n"
    connection = HijackedConnection(transport)
    transport.write(f"HTTP/1.1 101 Switching Protocols\r\n{head}\r\n".encode())
    return connection


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
