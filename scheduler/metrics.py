"""The scheduler's metrics, under upstream's names."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RESULTS = ("scheduled", "unschedulable", "error")
QUEUES = ("active", "backoff", "gated", "unschedulable")

SCHEDULE_ATTEMPTS = Counter(
    "scheduler_schedule_attempts_total",
    "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while "
    "'error' means an internal scheduler problem.",
    ("result", "profile"),
)
ATTEMPT_DURATION = Histogram(
    "scheduler_scheduling_attempt_duration_seconds",
    "Scheduling attempt latency in seconds (scheduling algorithm + binding)",
    ("result", "profile"),
    buckets=[0.001 * 2**n for n in range(15)],
)
ALGORITHM_DURATION = Histogram(
    "scheduler_scheduling_algorithm_duration_seconds",
    "Scheduling algorithm latency in seconds",
    buckets=[0.001 * 2**n for n in range(15)],
)
POD_ATTEMPTS = Histogram(
    "scheduler_pod_scheduling_attempts",
    "Number of attempts to successfully schedule a pod.",
    buckets=[1, 2, 4, 8, 16],
)
POD_SLI_DURATION = Histogram(
    "scheduler_pod_scheduling_sli_duration_seconds",
    "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve "
    "multiple scheduling attempts.",
    ("attempts",),
    buckets=[0.01 * 2**n for n in range(20)],
)
PENDING_PODS = Gauge(
    "scheduler_pending_pods",
    "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of "
    "pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to "
    "schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule "
    "because they are gated.",
    ("queue",),
)
INCOMING_PODS = Counter(
    "scheduler_queue_incoming_pods_total",
    "Number of pods added to scheduling queues by event and queue type.",
    ("queue", "event"),
)
UNSCHEDULABLE_PODS = Gauge(
    "scheduler_unschedulable_pods",
    "The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that "
    "caused it to not schedule and so this metric have meaning only when broken down by plugin.",
    ("plugin", "profile"),
)
CACHE_SIZE = Gauge(
    "scheduler_scheduler_cache_size",
    "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.",
    ("type",),
)


def present_at_zero(profile: str) -> None:
    """Gives the labelled metrics the children that are known beforehand."""
    for result in RESULTS:
        SCHEDULE_ATTEMPTS.labels(result, profile)
        ATTEMPT_DURATION.labels(result, profile)
    for queue in QUEUES:
        PENDING_PODS.labels(queue).set(0)
    for kind in ("assumed_pods", "nodes", "pods"):
        CACHE_SIZE.labels(kind).set(0)
