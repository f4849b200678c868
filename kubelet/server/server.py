"""The endpoint itself: routes, TLS, start and stop."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import structlog
from aiohttp import web

from kubelet.runtime import ContainerRuntime, ContainerState, RuntimeFailure, RuntimePod
from kubelet.server.authentication import require_client_certificate
from kubelet.server.commands import CommandHandlers
from kubelet.server.logs import LogHandler
from kubelet.server.port_forward import PortForwardHandler
from kubelet.server.source import PodSource
from kubelet.server.summary import Summary
from minikube_py.api.meta import Object
from minikube_py.runtime.clock import Clock

log = structlog.get_logger("server")

HealthCheck = Callable[[], Awaitable[str]]
"""Gives the empty string where all is well, and the cause otherwise."""

SYSTEM_LOGS = Path("/var/log")
"""The host's logs, shown below ``/logs`` as upstream does."""
_SHUTDOWN_SECONDS = 2.0


class KubeletServer:
    """The kubelet's HTTPS endpoint on ``host``:``port`` (0 takes a free one, told by :attr:`port` after the start)."""

    def __init__(
        self,
        source: PodSource,
        runtime: ContainerRuntime,
        clock: Clock,
        *,
        node_name: str,
        host: str = "0.0.0.0",
        port: int = 10250,
        tls: ssl.SSLContext,
        health_check: HealthCheck | None = None,
    ) -> None:
        self._source = source
        self._runtime = runtime
        self._summary = Summary(runtime, clock, node_name)
        self._health_check = health_check
        self._host = host
        self.port = port
        self._tls = tls
        # A follower that goes away must not leave its log open until the next line: handlers are cancelled.
        self._runner = web.AppRunner(
            self._app(clock), access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS
        )

    def _app(self, clock: Clock) -> web.Application:
        commands = CommandHandlers(self._source, self._runtime)
        app = web.Application(middlewares=[require_client_certificate])
        app.router.add_get(
            "/containerLogs/{namespace}/{pod}/{container}", LogHandler(self._source, self._runtime, clock).__call__
        )
        for path, handler in (("exec", commands.exec), ("attach", commands.attach)):
            for names in ("{namespace}/{pod}/{container}", "{namespace}/{pod}/{uid}/{container}"):
                app.router.add_route("GET", f"/{path}/{names}", handler)
                app.router.add_route("POST", f"/{path}/{names}", handler)
        forward = PortForwardHandler(self._source, self._runtime)
        for names in ("{namespace}/{pod}", "{namespace}/{pod}/{uid}"):
            app.router.add_get(f"/portForward/{names}", forward.__call__)
            app.router.add_post(f"/portForward/{names}", forward.__call__)
        for path in ("/pods", "/pods/"):
            app.router.add_get(path, self._pods)
        for path in ("/runningpods", "/runningpods/"):
            app.router.add_get(path, self._running_pods)
        if SYSTEM_LOGS.is_dir():
            app.router.add_static("/logs", SYSTEM_LOGS, show_index=True)
        app.router.add_get("/stats/summary", self._stats)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def start(self) -> None:
        """Listens. Raises OSError where the port is taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self.port, ssl_context=self._tls, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]
        log.info("Serving", address=self._host, port=self.port)

    async def close(self) -> None:
        """Stops listening and ends what is open."""
        await self._runner.cleanup()

    async def _pods(self, request: web.Request) -> web.StreamResponse:
        return _json({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self._source.list_pods()})

    async def _running_pods(self, request: web.Request) -> web.StreamResponse:
        try:
            pods = await self._runtime.list_pods()
        except RuntimeFailure as error:
            return web.Response(status=500, text=str(error))
        items = [shown for shown in map(_running_pod, pods) if shown["spec"]["containers"]]
        return _json({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    async def _stats(self, request: web.Request) -> web.StreamResponse:
        try:
            return _json(await self._summary.get())
        except RuntimeFailure as error:
            return web.Response(status=500, text=str(error))

    async def _healthz(self, request: web.Request) -> web.StreamResponse:
        cause = await self._health_check() if self._health_check is not None else ""
        return web.Response(status=500, text=f"{cause}\nhealthz check failed\n") if cause else web.Response(text="ok")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        from minikube_py.runtime import metrics

        return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})


def _json(document: Object) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type="application/json")


def _running_pod(pod: RuntimePod) -> Object:
    running = [container for container in pod.containers if container.state is ContainerState.RUNNING]
    return {
        "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
        "spec": {"containers": [{"name": container.name, "image": container.image_id} for container in running]},
        "status": {},
    }
