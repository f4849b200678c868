"""NodeUnschedulable: cordoned nodes take only pods that tolerate it."""

from __future__ import annotations

from typing import Any

from minikube_py.api.nodes import is_unschedulable, tolerates
from scheduler.plugins.plugin import ClusterEvent, Plugin, Rejection
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo

_REJECTION = Rejection(("node(s) were unschedulable",), resolvable=False)
_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


class NodeUnschedulable(Plugin):
    """Filters by the node's ``spec.unschedulable``."""

    name = "NodeUnschedulable"

    def filter(self, state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Rejects a cordoned node."""
        if not is_unschedulable(node.node) or tolerates(pod.spec.get("tolerations") or (), _TAINT):
            return None
        return _REJECTION

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """A node that is not cordoned has come, or one was uncordoned."""
        if event.new_node is None or is_unschedulable(event.new_node):
            return False
        return event.old_node is None or is_unschedulable(event.old_node)
