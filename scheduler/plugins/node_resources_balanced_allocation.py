"""NodeResourcesBalancedAllocation: prefers nodes whose CPU and memory would be used to the same degree."""

from __future__ import annotations

from typing import Any

from scheduler.plugins.plugin import MAX_SCORE, Plugin
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo


class NodeResourcesBalancedAllocation(Plugin):
    """Scores by the difference of the used shares of CPU and memory."""

    name = "NodeResourcesBalancedAllocation"
    weight = 1

    def score(self, state: Any, pod: PodInfo, node: NodeInfo) -> float:
        """The smaller the difference, the better."""
        shares = []
        for name in ("cpu", "memory"):
            capacity = node.allocatable.get(name, 0)
            if capacity:
                used = node.requested.get(name, 0) + pod.requests.get(name, 0)
                shares.append(min(used / capacity, 1.0))
        deviation = abs(shares[0] - shares[1]) / 2 if len(shares) == 2 else 0.0
        return int((1 - deviation) * MAX_SCORE)
