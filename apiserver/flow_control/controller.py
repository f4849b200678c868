"""The front desk: every request that ends soon gets a seat, waits for one, or is told to come again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from apiserver.context import RequestInfo, UserInfo
from apiserver.flow_control.classify import Schema, classify, distinguish, schemas_of
from apiserver.flow_control.defaults import FLOW_SCHEMAS, PRIORITY_LEVELS
from apiserver.flow_control.figures import Figures, FlowCounts
from apiserver.flow_control.level import Level, Rejected, limits_of
from apiserver.storage.cache import WatchCache
from minikube_py.api.errors import TooManyRequests
from minikube_py.api.meta import Object

RETRY_AFTER_SECONDS = 1
_REMEMBERED = 10_000
_CATCH_ALL = "catch-all"


@dataclass(frozen=True, slots=True)
class Flow:
    """How a request was classified."""

    schema: Schema
    level: Level
    distinguisher: str
    counts: FlowCounts
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """What the answer tells of it."""


class FlowControl:
    """Classifies requests by the FlowSchemas and PriorityLevelConfigurations in the watch caches.

    Where the version presented has none of these kinds, or they are not filled yet, the default ones apply.
    """

    def __init__(
        self,
        schemas: WatchCache | None,
        levels: WatchCache | None,
        *,
        seats: int,
        wait_seconds: float,
        registry: CollectorRegistry,
    ) -> None:
        self._caches = (schemas, levels)
        self._total = seats
        self._wait_seconds = wait_seconds
        self._revision = -1
        self._seen: tuple[Sequence[object], ...] = ()
        self._schemas: list[Schema] = []
        self._levels: dict[str, Level] = {}
        self._known: dict[tuple[object, ...], Flow] = {}
        self._metrics = Figures(registry, self._levels)
        self._rebuild(list(FLOW_SCHEMAS), list(PRIORITY_LEVELS))

    async def enter(self, user: UserInfo, info: RequestInfo) -> Flow:
        """A seat for the request, to be given back with :meth:`leave`. Raises TooManyRequests."""
        flow = self._flow(user, info)
        if flow.level.take():
            flow.counts.dispatched += 1
            flow.counts.executing += 1
            return flow
        labels = (flow.schema.name, flow.level.limits.name)
        started = time.monotonic()
        try:
            await flow.level.wait(f"{flow.schema.name}/{flow.distinguisher}", self._wait_seconds)
        except Rejected as rejected:
            self._metrics.waited.labels("false", *labels).observe(time.monotonic() - started)
            self._metrics.rejected.labels(*labels, rejected.reason).inc()
            raise TooManyRequests(
                "Too many requests, please try again later.", details={}, retry_after_seconds=RETRY_AFTER_SECONDS
            ) from None
        self._metrics.waited.labels("true", *labels).observe(time.monotonic() - started)
        flow.counts.dispatched += 1
        flow.counts.executing += 1
        return flow

    def leave(self, flow: Flow) -> None:
        """Gives the seat back."""
        flow.counts.executing -= 1
        flow.level.give()

    def _flow(self, user: UserInfo, info: RequestInfo) -> Flow:
        self._refresh()
        where = (info.group, info.plural, info.subresource) if info.is_resource else (info.path,)
        key = (user.name, user.groups, info.verb, info.namespace, *where)
        flow = self._known.get(key)
        if flow is None:
            flow = self._classified(user, info)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = flow
        return flow

    def _classified(self, user: UserInfo, info: RequestInfo) -> Flow:
        schema = classify(self._schemas, user, info)
        if schema is None or schema.level not in self._levels:
            # Upstream's mandatory objects match everybody; they are only absent while somebody has deleted them.
            schema = Schema(_CATCH_ALL, "", _CATCH_ALL, 10_000, "ByUser", ())
        level = self._levels.get(schema.level) or next(iter(self._levels.values()))
        headers = (
            (b"x-kubernetes-pf-flowschema-uid", schema.uid.encode()),
            (b"x-kubernetes-pf-prioritylevel-uid", level.limits.uid.encode()),
        )
        counts = self._metrics.counts(schema.name, level.limits.name)
        return Flow(schema, level, distinguish(schema, user, info), counts, headers)

    def _refresh(self) -> None:
        schemas, levels = self._caches
        if schemas is None or levels is None or schemas.revision == self._revision:
            return
        self._revision = schemas.revision
        seen = (schemas.list().items, levels.list().items)
        if seen == self._seen or not seen[0] or not seen[1]:
            return
        self._seen = seen
        self._rebuild([item.object for item in seen[0]], [item.object for item in seen[1]])

    def _rebuild(self, schemas: list[Object], levels: list[Object]) -> None:
        self._schemas = schemas_of(schemas)
        limits = {limit.name: limit for limit in limits_of(levels, self._total)}
        for name in [name for name in self._levels if name not in limits]:
            del self._levels[name]
        for name, limit in limits.items():
            level = self._levels.get(name)
            if level is None:
                self._levels[name] = Level(limit)
            else:
                level.limits = limit
                level.serve()
        self._known.clear()
