"""Remote commands over WebSockets: the ``v5.channel.k8s.io`` and ``v4.channel.k8s.io`` subprotocols.

A message's first byte is its channel: 0 standard input, 1 output, 2 error output, 3 the final ``Status`` as JSON, 4 the
terminal's size as JSON, and in v5 255 closes the channel that its second byte names.
"""

from __future__ import annotations

from typing import Final

import aiohttp
import orjson
from aiohttp import web

from kubelet.runtime import ProcessStream, Stream
from kubelet.server.remote_command import StreamOptions, terminal_size
from minikube_py.api.meta import Object

SUBPROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255


class WebSocketClient:
    """A :class:`kubelet.server.remote_command.CommandClient`."""

    def __init__(self, socket: web.WebSocketResponse, options: StreamOptions) -> None:
        self._socket = socket
        self._options = options

    async def begin(self) -> None:
        """Sends the empty message that tells the client that the streams stand."""
        options = self._options
        await self._socket.send_bytes(bytes([STDOUT if options.stdout else STDERR if options.stderr else ERROR]))

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
            channel, payload = data[0], data[1:]
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
        await self._socket.send_bytes(bytes([stream.value]) + data)

    async def finish(self, status: Object) -> None:
        """The status, then the closing handshake."""
        await self._socket.send_bytes(bytes([ERROR]) + orjson.dumps(status))
        await self._socket.close()
