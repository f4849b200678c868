"""NodeResourcesFit: a node must have what a pod requests; the one with most left is preferred."""

from __future__ import annotations

from typing import Any

from scheduler.plugins.plugin import MAX_SCORE, Change, ClusterEvent, Plugin, Rejection
from scheduler.pod_info import Amounts, PodInfo
from scheduler.snapshot import NodeInfo, allocatable_of

_SCORED = ("cpu", "memory")


class NodeResourcesFit(Plugin):
    """Filters by requests, the number of pods included; scores as upstream's ``LeastAllocated``."""

    name = "NodeResourcesFit"
    weight = 1

    def filter(self, state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Rejects a node with every resource it lacks."""
        lacking = []
        if len(node.pods) + 1 > node.allocatable.get("pods", 0):
            lacking.append("Too many pods")
        lacking += [
            f"Insufficient {name}"
            for name, amount in pod.requests.items()
            if amount > 0 and amount > node.allocatable.get(name, 0) - node.requested.get(name, 0)
        ]
        if not lacking:
            return None
        return Rejection(tuple(lacking), resolvable=_covers(node.allocatable, pod.requests))

    def score(self, state: Any, pod: PodInfo, node: NodeInfo) -> float:
        """The mean share of CPU and memory that would be left."""
        shares = []
        for name in _SCORED:
            capacity = node.allocatable.get(name, 0)
            if capacity:
                used = node.scoring_requested.get(name, 0) + pod.scoring_requests.get(name, 0)
                shares.append(max(capacity - used, 0) * MAX_SCORE // capacity)
        return sum(shares) // len(shares) if shares else 0

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """A large enough node has come, a node has grown, or a pod has made room."""
        if event.change in (Change.POD_DELETED, Change.POD_UPDATED):
            old, new = event.old_pod, event.new_pod
            return old is not None and (new is None or new.requests != old.requests)
        if event.new_node is None:
            return False
        allocatable = allocatable_of(event.new_node)
        if event.old_node is not None and allocatable_of(event.old_node) == allocatable:
            return False
        return _covers(allocatable, pod.requests)


def _covers(allocatable: Amounts, requests: Amounts) -> bool:
    return all(amount <= allocatable.get(name, 0) for name, amount in requests.items() if amount > 0)
