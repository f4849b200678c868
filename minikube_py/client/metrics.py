"""What the client counts, under upstream's name."""

from __future__ import annotations

from prometheus_client import Counter

REQUESTS = Counter(
    "rest_client_requests_total",
    "Number of HTTP requests, partitioned by status code, method, and host.",
    ("code", "method", "host"),
)
