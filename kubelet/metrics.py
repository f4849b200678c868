"""The kubelet's metrics, under upstream's names and present at zero from the start."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_START_BUCKETS = (0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800)

RUNNING_PODS = Gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox")
RUNNING_CONTAINERS = Gauge("kubelet_running_containers", "Number of containers currently running", ("container_state",))
POD_START_DURATION = Histogram(
    "kubelet_pod_start_duration_seconds",
    "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
    buckets=_START_BUCKETS,
)
STARTED_PODS = Counter("kubelet_started_pods_total", "Cumulative number of pods started")
STARTED_PODS_ERRORS = Counter("kubelet_started_pods_errors_total", "Cumulative number of errors when starting pods")
STARTED_CONTAINERS = Counter("kubelet_started_containers_total", "Cumulative number of containers started")
EVICTIONS = Counter("kubelet_evictions", "Cumulative number of pod evictions by eviction signal", ("eviction_signal",))
NODE_NAME = Gauge("kubelet_node_name", "The node's name. The count is always 1.", ("node",))

RUNNING_CONTAINERS.labels("running")
for _signal in ("memory.available", "nodefs.available", "imagefs.available"):
    EVICTIONS.labels(_signal)
