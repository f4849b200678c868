"""The node IPAM controller: every node has a network of its own for its pods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from controllers.actions import Emit, Patch, merge_patch_of
from controllers.perform import Performer
from minikube_py.api.meta import Object, is_deleting, name_of
from minikube_py.api.resources import NODES
from minikube_py.runtime.controller import Controller
from minikube_py.runtime.workqueue import WorkQueue
from minikube_py.runtime.writes import Writes

if TYPE_CHECKING:
    from controllers.context import ControllerContext

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Observation:
    """A node, the networks of all the others, and what to give from."""

    node: Object
    taken: tuple[Network, ...]
    cluster_network: Network
    mask_size: int


def networks_of(node: Object) -> tuple[Network, ...]:
    """The pod networks that a node has."""
    spec = node.get("spec") or {}
    told = spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])
    return tuple(ip_network(text, strict=False) for text in told)


def first_free(cluster_network: Network, mask_size: int, taken: Iterable[Network]) -> Network | None:
    """The lowest network of that size that overlaps none that is taken, or None."""
    size = 1 << (cluster_network.max_prefixlen - mask_size)
    start, end = int(cluster_network.network_address), int(cluster_network.broadcast_address)
    ranges = sorted(
        (int(network.network_address), int(network.broadcast_address))
        for network in taken
        if network.version == cluster_network.version
    )
    candidate = start
    for low, high in ranges:
        if low >= candidate + size:
            break
        if high >= candidate:
            candidate += -(-(high + 1 - candidate) // size) * size
    if candidate + size - 1 > end:
        return None
    return ip_network((candidate, mask_size))


def sync(observation: Observation) -> tuple[Patch | Emit, ...]:
    """Gives a network to a node that has none; a network is never taken back or changed."""
    node = observation.node
    if networks_of(node) or is_deleting(node):
        return ()
    network = first_free(observation.cluster_network, observation.mask_size, observation.taken)
    if network is None:
        message = f"Node {name_of(node)} status is now: CIDRNotAvailable"
        return (Emit(node, "Normal", "CIDRNotAvailable", message),)
    spec = {"podCIDR": str(network), "podCIDRs": [str(network)]}
    return (merge_patch_of(NODES, node, {"spec": spec}),)


class NodeIpamController:
    """Works node by node, never on two at once, so that no network is given twice."""

    def __init__(self, context: ControllerContext) -> None:
        self._settings = context.settings
        self._nodes = context.informers.informer(NODES)
        self._given: dict[str, Network] = {}
        self._queue = WorkQueue("node_ipam", context.clock)
        if not context.settings.allocate_node_cidrs:
            return
        writes = Writes(context.clock, self._nodes)
        self._performer = Performer(context.client, context.recorder("cidrAllocator"), writes)
        self._nodes.add_handler(self._on_node)
        context.add(Controller("node-ipam-controller", self._queue, self._reconcile, context.clock, writes=writes))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is not None and not networks_of(new):
            self._queue.add(name_of(new))
        if new is None:
            # A network has become free for those that found none.
            for node in self._nodes.list():
                if not networks_of(node):
                    self._queue.add(name_of(node))

    async def _reconcile(self, key: str) -> float | None:
        node = self._nodes.get(key)
        if node is None:
            return None
        # What was given a moment ago and the informer has not seen yet is taken as well.
        self._given = {name: network for name, network in self._given.items() if self._is_unseen(name)}
        seen = (network for other in self._nodes.list() for network in networks_of(other))
        taken = (*seen, *(network for name, network in self._given.items() if name != key))
        observation = Observation(node, taken, self._settings.cluster_network, self._settings.node_cidr_mask_size)
        actions = sync(observation)
        for action in actions:
            if isinstance(action, Patch):
                self._given[key] = ip_network(action.patch["spec"]["podCIDR"])
        return await self._performer.perform(key, actions)

    def _is_unseen(self, name: str) -> bool:
        node = self._nodes.get(name)
        return node is not None and not networks_of(node)
