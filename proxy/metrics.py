"""The proxy's metrics, under upstream's names."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SYNC_BUCKETS = tuple(0.001 * 2**exponent for exponent in range(15))
_PROGRAMMING_BUCKETS = (0.25, 0.5, *range(1, 60), *range(60, 120, 5), *range(120, 301, 30))

SYNC_DURATION = Histogram(
    "kubeproxy_sync_proxy_rules_duration_seconds",
    "SyncProxyRules latency in seconds",
    ("ip_family",),
    buckets=_SYNC_BUCKETS,
).labels("IPv4")
NETWORK_PROGRAMMING_DURATION = Histogram(
    "kubeproxy_network_programming_duration_seconds",
    "In Cluster Network Programming Latency in seconds",
    ("ip_family",),
    buckets=_PROGRAMMING_BUCKETS,
).labels("IPv4")
LAST_TIMESTAMP = Gauge(
    "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    "The last time proxy rules were successfully synced",
    ("ip_family",),
).labels("IPv4")
LAST_QUEUED_TIMESTAMP = Gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    "The last time a sync of proxy rules was queued",
    ("ip_family",),
).labels("IPv4")
SYNC_FAILURES = Counter(
    "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
    "Cumulative proxy nftables sync failures",
    ("ip_family",),
).labels("IPv4")
SERVICE_CHANGES = Counter(
    "kubeproxy_sync_proxy_rules_service_changes_total", "Cumulative proxy rules Service changes", ("ip_family",)
).labels("IPv4")
ENDPOINT_CHANGES = Counter(
    "kubeproxy_sync_proxy_rules_endpoint_changes_total", "Cumulative proxy rules Endpoint changes", ("ip_family",)
).labels("IPv4")
NO_LOCAL_ENDPOINTS = Gauge(
    "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    "Number of services with a Local traffic policy and no endpoints",
    ("ip_family", "traffic_policy"),
)
NO_LOCAL_INTERNAL = NO_LOCAL_ENDPOINTS.labels("IPv4", "internal")
NO_LOCAL_EXTERNAL = NO_LOCAL_ENDPOINTS.labels("IPv4", "external")
