"""The metrics of priority and fairness, under upstream's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apiserver.flow_control.level import Level

_PREFIX = "apiserver_flowcontrol"
_LABELS = ("flow_schema", "priority_level")
_WAIT_SECONDS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30)


@dataclass(slots=True)
class FlowCounts:
    """The requests of one FlowSchema at one priority level: those seated so far, and those that are seated now."""

    dispatched: int = 0
    executing: int = 0


class Figures(Collector):
    """What waits and is refused is counted as it happens; the rest is read off the levels when it is asked for."""

    def __init__(self, registry: CollectorRegistry, levels: Mapping[str, Level]) -> None:
        self._levels = levels
        self._counts: dict[tuple[str, str], FlowCounts] = {}
        self.rejected = Counter(
            f"{_PREFIX}_rejected_requests_total",
            "Requests that were told to come again, by reason.",
            (*_LABELS, "reason"),
            registry=registry,
        )
        self.waited = Histogram(
            f"{_PREFIX}_request_wait_duration_seconds",
            "Seconds that requests waited in a queue.",
            ("execute", *_LABELS),
            buckets=_WAIT_SECONDS,
            registry=registry,
        )
        registry.register(self)

    def counts(self, schema: str, level: str) -> FlowCounts:
        """The counts of a FlowSchema at a level; the same for as long as the process lives."""
        return self._counts.setdefault((schema, level), FlowCounts())

    def describe(self) -> list[Metric]:
        """Nothing, so that it is not collected when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The present figures."""
        dispatched = CounterMetricFamily(
            f"{_PREFIX}_dispatched_requests_total", "Requests that got a seat.", labels=_LABELS
        )
        executing = GaugeMetricFamily(f"{_PREFIX}_current_executing_requests", "Requests at work.", labels=_LABELS)
        seats_used = GaugeMetricFamily(f"{_PREFIX}_current_executing_seats", "Seats that are taken.", labels=_LABELS)
        waiting = GaugeMetricFamily(f"{_PREFIX}_current_inqueue_requests", "Requests that wait.", labels=_LABELS)
        for (schema, name), counts in self._counts.items():
            labels, level = (schema, name), self._levels.get(name)
            dispatched.add_metric(labels, counts.dispatched)
            executing.add_metric(labels, counts.executing)
            seats_used.add_metric(labels, counts.executing)
            waiting.add_metric(labels, level.in_queue_of(schema) if level is not None else 0)
        seats = GaugeMetricFamily(
            f"{_PREFIX}_nominal_limit_seats", "Seats of a priority level.", labels=("priority_level",)
        )
        for name, level in self._levels.items():
            seats.add_metric((name,), level.limits.seats or 0)
        yield from (dispatched, executing, seats_used, waiting, seats)
