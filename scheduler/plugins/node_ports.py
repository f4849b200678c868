"""NodePorts: a port of a node is given once."""

from __future__ import annotations

from typing import Any

from scheduler.plugins.plugin import Change, ClusterEvent, Plugin, Rejection
from scheduler.pod_info import HostPort, PodInfo
from scheduler.snapshot import NodeInfo

_REJECTION = Rejection(("node(s) didn't have free ports for the requested pod ports",))


class NodePorts(Plugin):
    """Filters by the containers' ``hostPort``."""

    name = "NodePorts"

    def filter(self, state: Any, pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Rejects a node on which one of the ports is taken."""
        return _REJECTION if _conflict(pod.host_ports, node.host_ports) else None

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """A node has come, or one of the ports was given back."""
        if event.change is Change.NODE_ADDED:
            return True
        return event.change is Change.POD_DELETED and (
            event.old_pod is not None and _conflict(pod.host_ports, event.old_pod.host_ports)
        )


def _conflict(wanted: tuple[HostPort, ...], taken: tuple[HostPort, ...]) -> bool:
    return any(port.conflicts(other) for port in wanted for other in taken)
