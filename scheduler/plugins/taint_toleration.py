"""TaintToleration: nodes whose taints a pod does not tolerate are avoided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minikube_py.api.nodes import PREFER_NO_SCHEDULE, taints_of, untolerated
from scheduler.plugins.plugin import ClusterEvent, Plugin, Rejection, scaled_to_highest
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo


class TaintToleration(Plugin):
    """Filters by ``NoSchedule`` and ``NoExecute``, and prefers nodes with fewer ``PreferNoSchedule`` taints."""

    name = "TaintToleration"
    weight = 3

    def filter(self, state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Rejects a node for its first taint that is not tolerated."""
        found = untolerated(node.taints, pod.spec.get("tolerations") or ())
        if not found:
            return None
        shown = f"{{{found[0].get('key', '')}: {found[0].get('value') or ''}}}"
        return Rejection((f"node(s) had untolerated taint {shown}",), resolvable=False)

    def score(self, state: Any, pod: PodInfo, node: NodeInfo) -> float:
        """How many ``PreferNoSchedule`` taints are not tolerated."""
        return len(untolerated(node.taints, pod.spec.get("tolerations") or (), (PREFER_NO_SCHEDULE,)))

    def normalize(self, state: Any, pod: PodInfo, scores: Sequence[float]) -> Sequence[float]:
        """The fewest is best."""
        return scaled_to_highest(scores, reverse=True)

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """A node has come whose taints are tolerated, or an intolerable taint was taken away."""
        tolerations = pod.spec.get("tolerations") or ()
        if event.new_node is None or untolerated(taints_of(event.new_node), tolerations):
            return False
        return event.old_node is None or bool(untolerated(taints_of(event.old_node), tolerations))
