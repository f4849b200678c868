"""Which pod network a node is to have; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from controllers.actions import NORMAL, Emit, Patch
from minikube_py.api.meta import Object, name_of, uid_of
from minikube_py.api.resources import NODES

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Observation:
    """A node, the network promised to it in this process already, and the pool.

    ``taken`` are the numbers of the pool's subnets that belong to some node; ``after`` is where the last search ended:
    subnets are given out in turn, so that one that was freed stays unused for as long as possible.
    """

    node: Object
    promised: str
    cluster_network: Network
    mask_size: int
    taken: Collection[int]
    after: int = -1


def pod_cidrs(node: Object) -> tuple[str, ...]:
    """The node's ``spec.podCIDRs``, or its ``spec.podCIDR``; empty where it has none."""
    spec = node.get("spec") or {}
    single = spec.get("podCIDR")
    return tuple(spec.get("podCIDRs") or ([single] if single else ()))


def subnet_numbers(cluster_network: Network, mask_size: int, cidrs: Iterable[str]) -> range:
    """The numbers of the pool's subnets that the first network of ``cidrs`` within the pool overlaps."""
    shift = cluster_network.max_prefixlen - mask_size
    base = int(cluster_network.network_address)
    for cidr in cidrs:
        network = ip_network(cidr, strict=False)
        if network.version == cluster_network.version and network.overlaps(cluster_network):
            first = max(int(network.network_address), base)
            last = min(int(network.broadcast_address), int(cluster_network.broadcast_address))
            return range((first - base) >> shift, ((last - base) >> shift) + 1)
    return range(0)


def subnet(cluster_network: Network, mask_size: int, number: int) -> str:
    """The subnet of that number."""
    shift = cluster_network.max_prefixlen - mask_size
    address = cluster_network.network_address + (number << shift)
    return f"{address}/{mask_size}"


def allocate(observation: Observation) -> int | None:
    """The number of the next free subnet, or None where none is left."""
    count = 1 << (observation.mask_size - observation.cluster_network.prefixlen)
    numbers = ((observation.after + 1 + step) % count for step in range(count))
    return next((number for number in numbers if number not in observation.taken), None)


def sync(observation: Observation) -> tuple[Patch | Emit, ...]:
    """Give the node its network, or tell that there is none left; a node that has one keeps it."""
    node = observation.node
    if pod_cidrs(node):
        return ()
    cidr = observation.promised
    if not cidr:
        number = allocate(observation)
        if number is None:
            message = f"Node {name_of(node)} status is now: CIDRNotAvailable"
            return (Emit(node, NORMAL, "CIDRNotAvailable", message),)
        cidr = subnet(observation.cluster_network, observation.mask_size, number)
    patch = {"metadata": {"uid": uid_of(node)}, "spec": {"podCIDR": cidr, "podCIDRs": [cidr]}}
    return (Patch(NODES, "", name_of(node), patch),)
