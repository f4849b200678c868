"""The cluster as the scheduler sees it: nodes, and the pods that are bound to them or assumed to be.

A pod is assumed on its node from the moment it is chosen until the informer shows it there, so that pods in flight
count and no node is overcommitted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from minikube_py.api.meta import Object, labels_of, name_of
from minikube_py.api.nodes import taints_of
from scheduler.pod_info import Amounts, HostPort, PodInfo, amounts_of


@dataclass(frozen=True, slots=True, eq=False)
class NodeInfo:
    """One node and what is taken of it."""

    node: Object
    name: str
    labels: Mapping[str, str]
    taints: tuple[Object, ...]
    allocatable: Amounts
    pods: tuple[PodInfo, ...]
    requested: Amounts
    scoring_requested: Amounts
    host_ports: tuple[HostPort, ...]

    @classmethod
    def of(cls, node: Object, pods: Iterable[PodInfo] = ()) -> NodeInfo:
        """The node with these pods on it."""
        here = tuple(pods)
        requested: Counter[str] = Counter()
        scoring_requested: Counter[str] = Counter()
        for pod in here:
            requested.update(pod.requests)
            scoring_requested.update(pod.scoring_requests)
        return cls(
            node=node,
            name=name_of(node),
            labels=labels_of(node),
            taints=tuple(taints_of(node)),
            allocatable=allocatable_of(node),
            pods=here,
            requested=requested,
            scoring_requested=scoring_requested,
            host_ports=tuple(port for pod in here for port in pod.host_ports),
        )


def allocatable_of(node: Object) -> Amounts:
    """What pods can have of the node; the capacity where ``allocatable`` is not told."""
    status = node.get("status") or {}
    return amounts_of(status.get("allocatable") or status.get("capacity"))


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Every node at one moment, in order of their names."""

    nodes: tuple[NodeInfo, ...]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The labels of every namespace."""


class Cache:
    """Follows the informers and the scheduler's own choices; gives snapshots that later changes don't touch."""

    def __init__(self) -> None:
        self._nodes: dict[str, Object] = {}
        self._pods: dict[str, PodInfo] = {}
        self._by_node: dict[str, dict[str, PodInfo]] = {}
        self._assumed: set[str] = set()
        self._infos: dict[str, NodeInfo] = {}
        self._namespaces: dict[str, Mapping[str, str]] = {}
        self._snapshot: Snapshot | None = None

    def set_node(self, node: Object) -> None:
        """The node is there, or has changed."""
        name = name_of(node)
        self._nodes[name] = node
        self._changed(name)

    def remove_node(self, name: str) -> None:
        """The node is gone; its pods are remembered, as they are deleted one by one."""
        self._nodes.pop(name, None)
        self._changed(name)

    def set_namespace(self, name: str, labels: Mapping[str, str] | None) -> None:
        """The namespace has these labels; None: it is gone."""
        if labels is None:
            self._namespaces.pop(name, None)
        else:
            self._namespaces[name] = labels
        self._snapshot = None

    def assume(self, pod: PodInfo) -> None:
        """The pod was given to ``pod.node_name``, which the API server has not told yet."""
        self._put(pod)
        self._assumed.add(pod.uid)

    def forget(self, uid: str) -> None:
        """The assumed pod was not bound after all; one that was told as bound meanwhile stays."""
        if uid in self._assumed:
            self.remove_pod(uid)

    def is_assumed(self, uid: str) -> bool:
        """Whether the pod is on its way to a node."""
        return uid in self._assumed

    def set_pod(self, pod: PodInfo) -> None:
        """The API server told that the pod is bound to ``pod.node_name``."""
        self._assumed.discard(pod.uid)
        self._put(pod)

    def remove_pod(self, uid: str) -> None:
        """The pod has ended or is gone."""
        self._assumed.discard(uid)
        known = self._pods.pop(uid, None)
        if known is not None:
            here = self._by_node[known.node_name]
            del here[uid]
            if not here:
                del self._by_node[known.node_name]
            self._changed(known.node_name)

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    @property
    def pod_count(self) -> int:
        """How many pods are on nodes, assumed ones included."""
        return len(self._pods)

    @property
    def assumed_count(self) -> int:
        """How many pods are on their way to a node."""
        return len(self._assumed)

    def snapshot(self) -> Snapshot:
        """The cluster now; nodes that have not changed are shared with earlier snapshots."""
        if self._snapshot is None:
            for name, node in self._nodes.items():
                if name not in self._infos:
                    self._infos[name] = NodeInfo.of(node, self._by_node.get(name, {}).values())
            nodes = tuple(self._infos[name] for name in sorted(self._nodes))
            self._snapshot = Snapshot(nodes, dict(self._namespaces))
        return self._snapshot

    def _put(self, pod: PodInfo) -> None:
        known = self._pods.get(pod.uid)
        if known is not None and known.node_name != pod.node_name:
            self.remove_pod(pod.uid)
        self._pods[pod.uid] = pod
        self._by_node.setdefault(pod.node_name, {})[pod.uid] = pod
        self._changed(pod.node_name)

    def _changed(self, node_name: str) -> None:
        self._infos.pop(node_name, None)
        self._snapshot = None
