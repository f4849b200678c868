"""The metrics that every component has, under upstream's names, and their exposition.

Everything is in the process's one registry, prometheus_client's ``REGISTRY``, which brings the ``process_…`` metrics.
A component declares its own metrics at module level with prometheus_client's classes, and gives labelled ones that
are known beforehand their children at once, so that they are present at zero.
"""

from __future__ import annotations

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from minikube_py.client.metrics import REQUESTS

disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_QUEUE_BUCKETS = tuple(10.0**exponent for exponent in range(-8, 4))

WORKQUEUE_DEPTH = Gauge("workqueue_depth", "Current depth of workqueue", ("name",))
WORKQUEUE_ADDS = Counter("workqueue_adds_total", "Total number of adds handled by workqueue", ("name",))
WORKQUEUE_QUEUE_DURATION = Histogram(
    "workqueue_queue_duration_seconds",
    "How long in seconds an item stays in workqueue before being requested.",
    ("name",),
    buckets=_QUEUE_BUCKETS,
)
WORKQUEUE_WORK_DURATION = Histogram(
    "workqueue_work_duration_seconds",
    "How long in seconds processing an item from workqueue takes.",
    ("name",),
    buckets=_QUEUE_BUCKETS,
)
WORKQUEUE_RETRIES = Counter("workqueue_retries_total", "Total number of retries handled by workqueue", ("name",))
LEADER_ELECTION_MASTER = Gauge(
    "leader_election_master_status",
    "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. "
    "'name' is the string used to identify the lease. Please make sure to group by name.",
    ("name",),
)
REST_CLIENT_REQUESTS = REQUESTS


def exposition() -> bytes:
    """Every metric in Prometheus's text format, :data:`CONTENT_TYPE`."""
    return generate_latest(REGISTRY)
