"""``/portForward``: connections of a client, each to a port inside the pod.

Two ways are spoken: SPDY streams (``portforward.k8s.io``), a pair of them for each connection, and the channels of a
WebSocket (``v4.channel.k8s.io``), a pair of them for each port. Of a pair one carries the data and one the text of
what went wrong. The SPDY frames come bare, or in the binary messages of a WebSocket.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from kubelet.network.pod_dial import Connected, DialFailed, dial
from kubelet.runtime import ContainerRuntime, PodSandbox, RuntimeFailure
from kubelet.server import handshake, port_channels
from kubelet.server.source import PodSource
from kubelet.spdy.connection import ByteStream, Connection, Stream
from kubelet.spdy.frames import ProtocolError
from minikube_py.runtime.tasks import Tasks

STREAM_PROTOCOL: Final = "portforward.k8s.io"
TUNNEL_SUBPROTOCOL: Final = handshake.SPDY_PREFIX + STREAM_PROTOCOL
CREATION_SECONDS: Final = 30.0
"""How long the second stream of a pair may be waited for, as upstream's ``streamCreationTimeout``."""
_STREAM_TYPE, _PORT, _REQUEST_ID = "streamtype", "port", "requestid"
_PIECE_BYTES: Final = 64 * 1024
log = structlog.get_logger("server")

Dial = Callable[[int], Awaitable[Connected]]
"""A connection to a port of the pod. Raises DialFailed with the whole text for the client."""


class PortForwardHandler:
    """Answers requests to forward ports of pods."""

    def __init__(self, source: PodSource, runtime: ContainerRuntime) -> None:
        self._source = source
        self._runtime = runtime

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """404 for a pod that is not here, 400 for a request that cannot be, 500 for a pod that has no sandbox."""
        agreed = handshake.agree(
            request, web_socket=(TUNNEL_SUBPROTOCOL, port_channels.SUBPROTOCOL), spdy=(STREAM_PROTOCOL,)
        )
        ports = port_channels.ports_of(request.query) if agreed.protocol == port_channels.SUBPROTOCOL else []
        sandbox = await self._sandbox(request)

        async def dial_pod(port: int) -> Connected:
            try:
                return await dial(sandbox, port)
            except DialFailed as error:
                log.info("Port cannot be forwarded", pod=sandbox.name, namespace=sandbox.namespace, error=str(error))
                message = f"error forwarding port {port} to pod {sandbox.id}, uid {sandbox.uid}: {error}"
                raise DialFailed(message) from error

        if agreed.spdy:
            connection = handshake.accept_spdy(request, agreed.protocol)
            try:
                await SpdyForwarder(connection, dial_pod).run()
            finally:
                connection.close()
            return web.Response()
        socket = await handshake.accept_web_socket(request, agreed.protocol)
        if agreed.protocol == port_channels.SUBPROTOCOL:
            await port_channels.serve(socket, ports, dial_pod)
        else:
            await SpdyForwarder(handshake.Tunnel(socket), dial_pod).run()
        await socket.close()
        return socket

    async def _sandbox(self, request: web.Request) -> PodSandbox:
        pod = self._source.get_pod(request.match_info["namespace"], request.match_info["pod"])
        uid = request.match_info.get("uid")
        if pod is None or (uid and pod["metadata"].get("uid") != uid):
            raise web.HTTPNotFound(text="pod does not exist")
        try:
            found = await self._runtime.list_pods(pod["metadata"]["uid"])
        except RuntimeFailure as error:
            raise web.HTTPInternalServerError(text=str(error)) from error
        sandbox = next((sandbox for one in found for sandbox in one.sandboxes if sandbox.ready), None)
        if sandbox is None:
            raise web.HTTPInternalServerError(text=f"pod {pod['metadata']['name']} has no running sandbox")
        return sandbox


class _Pair:
    """The two streams of one connection."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.complete = asyncio.Event()


class SpdyForwarder:
    """Forwards each pair of streams of one SPDY connection."""

    def __init__(self, transport: ByteStream, dial_pod: Dial) -> None:
        self._dial = dial_pod
        self._pairs: dict[str, _Pair] = {}
        self._tasks = Tasks()
        self._connection = Connection(transport, on_stream=self._opened)

    async def run(self) -> None:
        """Returns when the client has gone."""
        try:
            with contextlib.suppress(ProtocolError):  # the client has been told by GOAWAY
                await self._connection.run()
        finally:
            await self._tasks.cancel_all()

    def _opened(self, stream: Stream) -> bool:
        kind, port = stream.headers.get(_STREAM_TYPE, ""), stream.headers.get(_PORT, "")
        if kind not in ("data", "error") or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            return False
        request_id = stream.headers.get(_REQUEST_ID, "")
        if not request_id:
            # Clients of long ago name no request: the error stream comes first, the data stream next.
            request_id = str(stream.id if kind == "error" else stream.id - 2)
        pair = self._pairs.get(request_id)
        if pair is None:
            pair = self._pairs[request_id] = _Pair()
            self._tasks.start("port forward", self._forward(request_id, pair))
        if kind in pair.streams:
            return False
        pair.streams[kind] = stream
        if len(pair.streams) == 2:
            pair.complete.set()
        return True

    async def _forward(self, request_id: str, pair: _Pair) -> None:
        try:
            async with asyncio.timeout(CREATION_SECONDS):
                await pair.complete.wait()
            data, error = pair.streams["data"], pair.streams["error"]
            error.discard()
            try:
                connected = await self._dial(int(data.headers[_PORT]))
            except DialFailed as failure:
                await error.write(str(failure).encode())
            else:
                await self._carry(data, connected)
            await data.close_write()
            await error.close_write()
            data.discard()
        except TimeoutError:
            for stream in pair.streams.values():
                await stream.reset()
        except ConnectionError:
            return  # the client has gone
        finally:
            self._pairs.pop(request_id, None)

    async def _carry(self, stream: Stream, connected: Connected) -> None:
        """Until the pod has closed its end, or the client has given the connection up."""
        reader, writer = connected
        tasks = Tasks()
        try:
            up = tasks.start("port forward to pod", _upwards(stream, writer))
            down = tasks.start("port forward to client", _downwards(reader, stream))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if not down.done() and not stream.was_reset:
                await asyncio.wait({down})
        finally:
            await tasks.cancel_all()
            writer.close()


async def _upwards(stream: Stream, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await stream.read():
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def _downwards(reader: asyncio.StreamReader, stream: Stream) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_PIECE_BYTES):
            await stream.write(data)
