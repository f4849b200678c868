"""A watch over a WebSocket: each event is one text message, as older clients and browsers ask for it."""

from __future__ import annotations

from contextlib import aclosing

from starlette.responses import Response
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side
from websockets.utils import accept_key

from apiserver.context import RequestContext
from apiserver.handlers.watch import Watch
from apiserver.streaming.upgrade import SwitchProtocols
from minikube_py.api.errors import BadRequest
from minikube_py.runtime.hijack import HijackedConnection
from minikube_py.runtime.tasks import Tasks

_VERSION = "13"
_LARGEST_MESSAGE = 64 * 1024
"""Bytes of a message from the client, which has nothing to say."""


def serve_watch(ctx: RequestContext, watch: Watch) -> Response:
    """``101``, and the watch's events until either side ends it. Raises BadRequest for what is no WebSocket's request.

    A client that offers one subprotocol is answered that it is spoken; messages are the same with any.
    """
    key, version = ctx.header("sec-websocket-key"), ctx.header("sec-websocket-version")
    if not key or version != _VERSION:
        raise BadRequest(f"a WebSocket needs Sec-WebSocket-Key, and Sec-WebSocket-Version {_VERSION}")
    headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_key(key))]
    offered = [name.strip() for name in ctx.header("sec-websocket-protocol").split(",") if name.strip()]
    if len(offered) > 1:
        raise BadRequest("a watch over a WebSocket has no subprotocols to choose from: offer one or none")
    headers += [("Sec-WebSocket-Protocol", name) for name in offered]

    async def serve(connection: HijackedConnection) -> None:
        await _Socket(connection).serve(watch)

    return SwitchProtocols(headers, serve)


class _Socket:
    def __init__(self, connection: HijackedConnection) -> None:
        self._connection = connection
        self._protocol = Protocol(Side.SERVER, max_size=_LARGEST_MESSAGE)

    async def serve(self, watch: Watch) -> None:
        tasks = Tasks()
        tasks.start("watch-socket", self._send(watch))
        try:
            await self._listen()
        finally:
            await tasks.cancel_all()
            watch.close()

    async def _send(self, watch: Watch) -> None:
        """Sends every event, then says that there are no more; the answer to that ends :meth:`_listen`."""
        try:
            async with aclosing(watch.lines()) as chunks:
                async for chunk in chunks:
                    for line in chunk.splitlines(keepends=True):
                        self._protocol.send_text(line)
                    await self._flush()
            self._protocol.send_close(1000)
            await self._flush()
        except ConnectionError:
            self._connection.close()

    async def _listen(self) -> None:
        """Reads what the client says, until it leaves; only a ping is answered, and the end."""
        while data := await self._connection.read():
            self._protocol.receive_data(data)
            ended = any(getattr(frame, "opcode", None) is Opcode.CLOSE for frame in self._protocol.events_received())
            try:
                await self._flush()
            except ConnectionError:
                return
            if ended or self._protocol.close_expected():
                return

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                await self._connection.write(data)
