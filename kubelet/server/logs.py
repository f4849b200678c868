"""``GET /containerLogs/<namespace>/<pod>/<container>``."""

from __future__ import annotations

import base64
from typing import Final

import structlog
from aiohttp import web

from kubelet.runtime import ContainerRuntime, NotFound, RuntimeFailure
from kubelet.server import handshake, log_request
from kubelet.server.source import PodSource
from minikube_py.runtime.clock import Clock

_SUBPROTOCOLS: Final = ("binary.k8s.io", "base64.binary.k8s.io", "")
log = structlog.get_logger("server")


class LogHandler:
    """Streams a container's log, both its streams in one."""

    def __init__(self, source: PodSource, runtime: ContainerRuntime, clock: Clock) -> None:
        self._source = source
        self._runtime = runtime
        self._clock = clock

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """404 for what is not on this node, 422 for a query that cannot be, 400 where there is no log to show."""
        namespace, pod_name, name = (request.match_info[part] for part in ("namespace", "pod", "container"))
        pod = self._source.get_pod(namespace, pod_name)
        if pod is None:
            return web.Response(status=404, text=f'pod "{pod_name}" does not exist\n')
        if log_request.container_spec(pod, name) is None:
            return web.Response(status=404, text=f'container "{name}" not found in pod "{pod_name}"\n')
        try:
            wanted = log_request.parse(request.query, self._clock.now())
            container_id = log_request.log_container_id(pod, name, previous=wanted.previous)
        except log_request.InvalidLogRequest as error:
            return web.Response(status=422, text=f"{error}\n")
        except log_request.LogUnavailable as error:
            return web.Response(status=400, text=str(error))
        if request.headers.get("Upgrade"):
            return await self._send_messages(request, container_id, wanted)
        return await self._send(request, container_id, wanted)

    async def _send_messages(
        self, request: web.Request, container_id: str, wanted: log_request.LogRequest
    ) -> web.StreamResponse:
        """The log as the messages of a WebSocket, which ends with it."""
        agreed = handshake.agree(request, web_socket=_SUBPROTOCOLS, spdy=())
        socket = await handshake.accept_web_socket(request, agreed.protocol)
        left = wanted.limit_bytes
        try:
            async for _, data in self._runtime.logs(container_id, wanted.options):
                piece = data if left is None else data[:left]
                if agreed.protocol.startswith("base64."):
                    await socket.send_str(base64.b64encode(piece).decode())
                else:
                    await socket.send_bytes(piece)
                if left is not None:
                    left -= len(piece)
                    if left == 0:
                        break
        except RuntimeFailure as error:
            log.info("Log has ended early", container=container_id, error=str(error))
        except ConnectionError:
            log.debug("Client has left its log", container=container_id)
        await socket.close()
        return socket

    async def _send(
        self, request: web.Request, container_id: str, wanted: log_request.LogRequest
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        left = wanted.limit_bytes
        try:
            # The head goes out at once: a follower must not wait for the first line to know that it follows.
            if wanted.options.follow:
                await self._runtime.container_status(container_id)
                await response.prepare(request)
            async for _, data in self._runtime.logs(container_id, wanted.options):
                if not response.prepared:
                    await response.prepare(request)
                await response.write(data if left is None else data[:left])
                if left is not None:
                    left -= min(left, len(data))
                    if left == 0:
                        break
        except RuntimeFailure as error:
            if response.prepared:
                await response.write(f"\n{error}\n".encode())
            elif isinstance(error, NotFound):
                text = f"unable to retrieve container logs for docker://{container_id}"
                return web.Response(status=400, text=text)
            else:
                return web.Response(status=500, text=str(error))
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        return response
