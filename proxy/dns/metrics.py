"""Metrics under CoreDNS's names."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "coredns_dns_requests_total",
    "Counter of DNS requests made per zone, protocol and family.",
    ("server", "zone", "view", "proto", "family", "type"),
)
RESPONSES = Counter(
    "coredns_dns_responses_total",
    "Counter of response status codes.",
    ("server", "zone", "view", "rcode", "plugin"),
)
DURATION = Histogram(
    "coredns_dns_request_duration_seconds",
    "Histogram of the time (in seconds) each request took per zone.",
    ("server", "zone", "view"),
    buckets=(
        0.00025,
        0.0005,
        0.001,
        0.002,
        0.004,
        0.008,
        0.016,
        0.032,
        0.064,
        0.128,
        0.256,
        0.512,
        1.024,
        2.048,
        4.096,
    ),
)
CACHE_HITS = Counter("coredns_cache_hits_total", "The count of cache hits.")
CACHE_MISSES = Counter("coredns_cache_misses_total", "The count of cache misses.")
FORWARD_DURATION = Histogram(
    "coredns_proxy_request_duration_seconds",
    "Histogram of the time each request took.",
    ("to",),
    buckets=(0.00025, 0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096),
)
PANICS = Counter("coredns_panics_total", "A metrics that counts the number of panics.")
