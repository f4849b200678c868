"""Metrics under upstream's names, in a registry of the process."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from apiserver.context import RequestInfo
from minikube_py.api.resources import Resource

disable_created_metrics()  # type: ignore[no-untyped-call]
_READS = frozenset({"get", "list", "watch"})
_VERBS = {"get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT", "patch": "PATCH"}
_SECONDS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
_ETCD_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2, 4, 8, 15, 30, 60)


class Metrics:
    """The API server's metrics, in a registry of their own; ``process`` adds those of the process."""

    def __init__(self, *, process: bool = False) -> None:
        self.registry = CollectorRegistry()
        if process:
            ProcessCollector(registry=self.registry)
        labels = ("verb", "group", "version", "resource", "subresource")
        self._requests = Counter(
            "apiserver_request_total",
            "Counter of apiserver requests broken out for each verb, resource and HTTP response code.",
            (*labels, "code"),
            registry=self.registry,
        )
        self._durations = Histogram(
            "apiserver_request_duration_seconds",
            "Response latency distribution in seconds for each verb, group, version, resource and subresource.",
            labels,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._inflight = Gauge(
            "apiserver_current_inflight_requests",
            "Maximal number of currently used inflight request limit of this apiserver per request kind.",
            ("request_kind",),
            registry=self.registry,
        )
        self.etcd = Histogram(
            "etcd_request_duration_seconds",
            "Etcd request latency in seconds for each operation and object type.",
            ("operation", "type"),
            buckets=_ETCD_SECONDS,
            registry=self.registry,
        )
        self._answered: dict[tuple[str, Resource | None, str, int], tuple[Counter, Histogram | None]] = {}
        self._reading = self._inflight.labels("readOnly")
        self._mutating = self._inflight.labels("mutating")

    def inflight(self, verb: str) -> Gauge:
        """The gauge of requests in flight that a verb counts to."""
        return self._reading if verb in _READS else self._mutating

    def observe(self, info: RequestInfo, code: int, seconds: float) -> None:
        """Counts an answered request; one that is not for a known resource is counted without its path."""
        key = (info.verb, info.resource, info.subresource if info.resource else "", code)
        # Children are kept, because finding one by its labels costs more than counting in it.
        answered = self._answered.get(key)
        if answered is None:
            labels = _labels(info)
            duration = None if info.verb == "watch" else self._durations.labels(*labels)
            answered = self._requests.labels(*labels, str(code)), duration
            if info.resource is None or not info.subresource or info.resource.subresource(info.subresource):
                self._answered[key] = answered
        total, duration = answered
        total.inc()
        if duration is not None:
            duration.observe(seconds)

    def exposition(self) -> bytes:
        """The text form that ``/metrics`` gives."""
        return generate_latest(self.registry)


def _labels(info: RequestInfo) -> tuple[str, ...]:
    verb, resource = _VERBS.get(info.verb, info.verb.upper()), info.resource
    if resource is None:
        return verb, "", "", "", ""
    subresource = info.subresource if resource.subresource(info.subresource) else ""
    return verb, resource.group, resource.version, resource.plural, subresource
