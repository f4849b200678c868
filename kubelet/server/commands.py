"""``/exec`` and ``/attach``: from the request to an open process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from kubelet.runtime import ContainerRuntime, ProcessStream, RuntimeFailure
from kubelet.server import handshake, log_request, remote_command, spdy_channels, websocket_channels
from kubelet.server.handshake import Agreed
from kubelet.server.remote_command import CommandClient, StreamOptions
from kubelet.server.source import PodSource
from minikube_py.runtime.tasks import Tasks

log = structlog.get_logger("server")

Open = Callable[[], Awaitable[ProcessStream]]
"""Opens the process whose streams are carried. Raises RuntimeFailure."""


class CommandHandlers:
    """Runs commands in containers and attaches to them."""

    def __init__(self, source: PodSource, runtime: ContainerRuntime) -> None:
        self._source = source
        self._runtime = runtime

    async def exec(self, request: web.Request) -> web.StreamResponse:
        """404 for what does not run here, 400 for a request that cannot be; that it cannot start is told after."""
        agreed = _agree(request)
        options = StreamOptions.parse(request)
        command = request.query.getall("command", [])
        if not command:
            raise web.HTTPBadRequest(text="you must specify at least 1 command")
        container_id = self._container(request)

        async def open_process() -> ProcessStream:
            return await self._runtime.open_exec(
                container_id,
                command,
                tty=options.tty,
                stdin=options.stdin,
                stdout=options.stdout,
                stderr=options.stderr,
            )

        return await _serve(request, agreed, open_process, options, command=command)

    async def attach(self, request: web.Request) -> web.StreamResponse:
        """As :meth:`exec`; the streams are those of the container's own process."""
        agreed = _agree(request)
        options = StreamOptions.parse(request)
        container_id = self._container(request)

        async def open_process() -> ProcessStream:
            tty = (await self._runtime.container_status(container_id)).tty
            return await self._runtime.open_attach(
                container_id, tty=tty, stdin=options.stdin, stdout=options.stdout, stderr=options.stderr
            )

        return await _serve(request, agreed, open_process, options, command=None)

    def _container(self, request: web.Request) -> str:
        """The id of the container that runs under the path's names (and uid, where the path has one)."""
        namespace, pod_name, name = (request.match_info[part] for part in ("namespace", "pod", "container"))
        pod = self._source.get_pod(namespace, pod_name)
        uid = request.match_info.get("uid")
        if pod is None or (uid and pod["metadata"].get("uid") != uid):
            raise web.HTTPNotFound(text="pod does not exist")
        container_id = log_request.running_container_id(pod, name)
        if container_id is None:
            raise web.HTTPNotFound(text=f'container not found ("{name}")')
        return container_id


def _agree(request: web.Request) -> Agreed:
    return handshake.agree(request, web_socket=websocket_channels.SUBPROTOCOLS, spdy=spdy_channels.STREAM_PROTOCOLS)


async def _serve(
    request: web.Request, agreed: Agreed, open_process: Open, options: StreamOptions, *, command: list[str] | None
) -> web.StreamResponse:
    """Carries a process's streams to a client of either kind.

    The process is opened last: kubectl before 1.33 throws away what comes before it has made its own streams, which it
    does after the handshake.
    """
    tasks = Tasks()
    try:
        if not agreed.spdy:
            socket = await handshake.accept_web_socket(request, agreed.protocol)
            client = websocket_channels.WebSocketClient(socket, options, agreed.protocol)
            await client.begin()
            await _carry(client, open_process, options, command)
            await socket.close()
            return socket
        connection = handshake.accept_spdy(request, agreed.protocol)
        try:
            spdy_client = spdy_channels.SpdyClient(connection, options, agreed.protocol, tasks)
            await spdy_client.begin()
            await _carry(spdy_client, open_process, options, command)
        finally:
            connection.close()
    except ConnectionError:
        log.debug("Client left before its streams stood", path=request.path)
    finally:
        await tasks.cancel_all()
    return web.Response()


async def _carry(client: CommandClient, open_process: Open, options: StreamOptions, command: list[str] | None) -> None:
    try:
        process = await open_process()
    except RuntimeFailure as error:
        doing = "attaching to container" if command is None else "executing command in container"
        await client.finish(remote_command.failure(f"error {doing}: {error}"))
        return
    await remote_command.serve(client, process, options, command=command)
