"""NodeName: a pod that names its node goes nowhere else."""

from __future__ import annotations

from typing import Any

from minikube_py.api.meta import name_of
from scheduler.plugins.plugin import Change, ClusterEvent, Plugin, Rejection
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo

_REJECTION = Rejection(("node(s) didn't match the requested node name",), resolvable=False)


class NodeName(Plugin):
    """Filters by ``spec.nodeName``."""

    name = "NodeName"

    def filter(self, state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Rejects every node but the one that is named, if one is."""
        wanted = pod.spec.get("nodeName")
        return _REJECTION if wanted and wanted != node.name else None

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """The named node has come."""
        node = event.new_node
        return event.change is Change.NODE_ADDED and node is not None and name_of(node) == pod.spec.get("nodeName")
