"""Remote commands over WebSockets: ``v5.channel.k8s.io``, ``v4.channel.k8s.io`` and their eldest, ``channel.k8s.io``.

A message's first byte is its channel: 0 standard input, 1 output, 2 error output, 3 how it ended, 4 the terminal's size
as JSON, and in v5 255 closes the channel that its second byte names. From v4 on channel 3 has a ``Status`` as JSON;
before, a text, or nothing where it went well. The ``base64`` variants are for clients that can send only text: the
channel is a digit, and the data is in base64.
"""

from __future__ import annotations

import base64
from typing import Final

import aiohttp
import orjson
from aiohttp import web

from kubelet.runtime import ProcessStream, Stream
from kubelet.server.remote_command import StreamOptions, terminal_size
from minikube_py.api.meta import Object

_ELDEST: Final = ("channel.k8s.io", "base64.channel.k8s.io", "")
SUBPROTOCOLS: Final = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v5.base64.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    *_ELDEST,
)
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255


class WebSocketClient:
    """A :class:`kubelet.server.remote_command.CommandClient`."""

    def __init__(self, socket: web.WebSocketResponse, options: StreamOptions, protocol: str) -> None:
        self._socket = socket
        self._options = options
        self._base64 = "base64." in protocol
        self._tells_status = protocol not in _ELDEST

    async def begin(self) -> None:
        """Sends the empty message that tells the client that the streams stand."""
        options = self._options
        await self._send(STDOUT if options.stdout else STDERR if options.stderr else ERROR, b"")

    @property
    def gone(self) -> bool:
        """Whether the WebSocket has ended."""
        return self._socket.closed

    async def carry_input(self, process: ProcessStream) -> None:
        """Returns only when the connection is closed."""
        options = self._options
        async for message in self._socket:
            if message.type not in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
                continue
            data: bytes = message.data if isinstance(message.data, bytes) else message.data.encode()
            if not data:
                continue
            channel, payload = _from_base64(data) if self._base64 else (data[0], data[1:])
            if channel == STDIN and options.stdin and payload:
                await process.write(payload)
            elif channel == RESIZE and options.tty:
                size = terminal_size(payload)
                if size is not None:
                    await process.resize(*size)
            elif channel == CLOSE and payload[:1] == bytes([STDIN]) and options.stdin:
                await process.close_stdin()

    async def send(self, stream: Stream, data: bytes) -> None:
        """One message."""
        await self._send(stream.value, data)

    async def finish(self, status: Object) -> None:
        """The status, then the closing handshake."""
        if self._tells_status:
            await self._send(ERROR, orjson.dumps(status))
        elif status["status"] != "Success":
            await self._send(ERROR, str(status["message"]).encode())
        await self._socket.close()

    async def _send(self, channel: int, data: bytes) -> None:
        if self._base64:
            await self._socket.send_str(f"{channel}{base64.b64encode(data).decode()}")
        else:
            await self._socket.send_bytes(bytes([channel]) + data)


def _from_base64(data: bytes) -> tuple[int, bytes]:
    """Channel and data; those of a message that is not base64 are of no channel."""
    try:
        return data[0] - ord("0"), base64.b64decode(data[1:], validate=True)
    except ValueError:
        return -1, b""
