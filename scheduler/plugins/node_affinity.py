"""NodeAffinity: ``nodeSelector``, required and preferred node affinity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minikube_py.api.nodes import matches_node_affinity, node_selector_term_matches
from scheduler.plugins.plugin import ClusterEvent, Plugin, Rejection, scaled_to_highest
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo

_REJECTION = Rejection(("node(s) didn't match Pod's node affinity/selector",), resolvable=False)


class NodeAffinity(Plugin):
    """Filters by what is required, and prefers nodes with the highest sum of preferred terms' weights."""

    name = "NodeAffinity"
    weight = 2

    def filter(self, state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Rejects a node that the pod's selector or required affinity does not match."""
        return None if matches_node_affinity(pod.pod, node.node) else _REJECTION

    def score(self, state: Any, pod: PodInfo, node: NodeInfo) -> float:
        """The sum of the weights of the preferred terms that match."""
        affinity = (pod.spec.get("affinity") or {}).get("nodeAffinity") or {}
        preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        return sum(
            int(term.get("weight") or 0)
            for term in preferred
            if node_selector_term_matches(term.get("preference") or {}, node.node)
        )

    def normalize(self, state: Any, pod: PodInfo, scores: Sequence[float]) -> Sequence[float]:
        """The highest sum is best."""
        return scaled_to_highest(scores)

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """A node that matches has come, or one matches now that did not."""
        if event.new_node is None or not matches_node_affinity(pod.pod, event.new_node):
            return False
        return event.old_node is None or not matches_node_affinity(pod.pod, event.old_node)
