"""``/healthz``, ``/livez`` and ``/readyz``, each with its checks below it, as upstream's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.responses import Response

from apiserver.context import RequestContext
from apiserver.response import text_response
from apiserver.series import Numbers
from apiserver.storage.store import StoreError

if TYPE_CHECKING:
    from apiserver.core import Core

HEALTH_PATHS = ("/healthz", "/livez", "/readyz")
ETCD_TIMEOUT_SECONDS = 2.0

Check = Callable[[], Awaitable[str]]
"""Gives the empty string where all is well, else what is wrong."""


class Health:
    """The server's own checks. ``readyz`` has those that keep a server from being sent requests."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._states = Numbers(
            "kubernetes_healthcheck", "gauge", "Whether a check passed when it was last made.", ("name", "type")
        )
        self._results = Numbers(
            "kubernetes_healthchecks_total", "counter", "Checks made, by result.", ("name", "type", "status")
        )
        common: dict[str, Check] = {"ping": self._ping, "log": self._ping, "etcd": self._etcd}
        hooks: dict[str, Check] = {
            "poststarthook/start-system-namespaces-controller": self._bootstrapped,
            "poststarthook/rbac/bootstrap-roles": self._bootstrapped,
            "poststarthook/bootstrap-controller": self._bootstrapped,
        }
        self._checks: dict[str, dict[str, Check]] = {
            "healthz": common | hooks,
            "livez": common | hooks,
            "readyz": {
                "ping": self._ping,
                "log": self._ping,
                "etcd": self._etcd,
                "etcd-readiness": self._etcd,
                "informer-sync": self._synced,
                **hooks,
                "shutdown": self._not_stopping,
            },
        }

    def paths(self) -> list[str]:
        """Every path that is answered."""
        return [f"/{kind}{suffix}" for kind, c in self._checks.items() for suffix in ("", *(f"/{n}" for n in c))]

    async def answer(self, ctx: RequestContext, path: str) -> Response | None:
        """The answer to a health path, None where there is no such check."""
        kind, _, name = path.strip("/").partition("/")
        checks = self._checks.get(kind)
        if checks is None or (name and name not in checks):
            return None
        if name:
            problem = await self._made(kind, name, checks[name])
            return text_response(
                "ok" if not problem else f"internal server error: {problem}\n", 500 if problem else 200
            )
        excluded = set(ctx.query.all("exclude"))
        lines: list[str] = []
        failed = False
        for check_name, check in checks.items():
            if check_name in excluded:
                lines.append(f"[+]{check_name} excluded: ok")
                continue
            problem = await self._made(kind, check_name, check)
            failed = failed or bool(problem)
            lines.append(f"[-]{check_name} failed: reason withheld" if problem else f"[+]{check_name} ok")
        if failed:
            return text_response("\n".join([*lines, f"{kind} check failed", ""]), 500)
        if "verbose" in ctx.request.query_params:
            return text_response("\n".join([*lines, f"{kind} check passed", ""]))
        return text_response("ok")

    def slis(self) -> str:
        """What ``/metrics/slis`` gives: the checks that have been made."""
        return "".join((*self._states.text(), *self._results.text()))

    async def _made(self, kind: str, name: str, check: Check) -> str:
        problem = await check()
        self._states.of(name, kind).value = 0 if problem else 1
        self._results.of(name, kind, "error" if problem else "success").value += 1
        return problem

    async def _ping(self) -> str:
        return ""

    async def _etcd(self) -> str:
        try:
            async with asyncio.timeout(ETCD_TIMEOUT_SECONDS):
                await self._core.store.current_revision()
        except TimeoutError:
            return "etcd failed: no answer in time"
        except StoreError as error:
            return f"etcd failed: {error}"
        return ""

    async def _synced(self) -> str:
        waiting = [cache.resource.qualified for cache in self._core.caches.values() if not cache.synced]
        return f"{len(waiting)} caches not synced yet: {', '.join(waiting)}" if waiting else ""

    async def _bootstrapped(self) -> str:
        return "" if self._core.bootstrapped else "not finished"

    async def _not_stopping(self) -> str:
        return "process is shutting down" if self._core.stopping else ""
