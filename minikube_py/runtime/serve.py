"""The small HTTP server of a component: health and metrics."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from minikube_py.runtime import metrics

Check = Callable[[], Awaitable[None]]
"""Returns where all is well; raises, with the reason as its text, where it is not."""


class HealthServer:
    """Serves ``/healthz``, ``/livez``, ``/readyz`` (each check also by name, ``/readyz/<name>``) and ``/metrics``.

    ``checks`` count for all three, ``ready_checks`` for ``/readyz`` alone. With a certificate it serves TLS.
    """

    def __init__(
        self,
        port: int,
        checks: Mapping[str, Check] | None = None,
        *,
        address: str = "127.0.0.1",
        ready_checks: Mapping[str, Check] | None = None,
        tls_certificate: str = "",
        tls_key: str = "",
    ) -> None:
        self._address = address
        self._port = port
        self._checks = dict(checks or {})
        self._ready_checks = self._checks | dict(ready_checks or {})
        self._tls = (tls_certificate, tls_key)
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port served on; where 0 was asked for, the one that was free."""
        if self._runner is None or not self._runner.addresses:
            return self._port
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Begins to serve. Raises OSError where the port is taken or a certificate can't be read."""
        app = web.Application()
        for path, checks in (("healthz", self._checks), ("livez", self._checks), ("readyz", self._ready_checks)):
            handler = _handler(path, checks)
            app.router.add_get(f"/{path}", handler)
            app.router.add_get(f"/{path}/{{check}}", handler)
        app.router.add_get("/metrics", _metrics)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, self._address, self._port, ssl_context=self._context()).start()

    async def stop(self) -> None:
        """Ends serving."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    def _context(self) -> ssl.SSLContext | None:
        certificate, key = self._tls
        if not certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key or None)
        return context


def _handler(path: str, checks: Mapping[str, Check]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        wanted = request.match_info.get("check")
        if wanted is not None and wanted not in checks:
            return web.Response(status=404, text=f"no check named {wanted}\n")
        lines, failed = [], False
        for name in (wanted,) if wanted is not None else tuple(checks):
            try:
                await checks[name]()
                lines.append(f"[+]{name} ok")
            except Exception as error:
                failed = True
                lines.append(f"[-]{name} failed: {error}")
        if failed:
            return web.Response(status=500, text="\n".join([*lines, f"{path} check failed", ""]))
        if "verbose" in request.query:
            return web.Response(text="\n".join([*lines, f"{path} check passed", ""]))
        return web.Response(text="ok")

    return answer


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE})
