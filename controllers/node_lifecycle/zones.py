"""How fast the nodes of a zone may be tainted NoExecute, by how much of the cluster is unhealthy; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from minikube_py.api.meta import Object, labels_of
from minikube_py.api.nodes import is_ready

REGION = "topology.kubernetes.io/region"
ZONE = "topology.kubernetes.io/zone"
EXCLUDED = "node.kubernetes.io/exclude-disruption"


@dataclass(frozen=True, slots=True)
class EvictionLimits:
    """Nodes per second, and when the lower rate holds; the settings of the same names."""

    rate: float
    secondary_rate: float
    unhealthy_threshold: float
    large_cluster_size: int


@dataclass(frozen=True, slots=True)
class Disruption:
    """Nodes per second by zone; nothing at all is evicted where every zone is wholly unhealthy."""

    rates: Mapping[str, float]
    all_disrupted: bool


def zone_of(node: Object) -> str:
    """The node's zone, within its region."""
    labels = labels_of(node)
    region, zone = labels.get(REGION, ""), labels.get(ZONE, "")
    return f"{region}:\x00:{zone}" if region or zone else ""


def assess(nodes: Iterable[Object], limits: EvictionLimits) -> Disruption:
    """The rate of every zone that there is.

    A zone with no ready node at all is evicted at the full rate as long as another zone is not so; one with more than
    two unhealthy nodes that make up the threshold at the secondary rate, or not at all if it is small.
    """
    counts: dict[str, list[int]] = {}
    for node in nodes:
        if EXCLUDED not in labels_of(node):
            counts.setdefault(zone_of(node), [0, 0])[is_ready(node)] += 1
    all_disrupted = bool(counts) and all(ready == 0 for _, ready in counts.values())
    rates = {
        zone: 0.0 if all_disrupted else _rate(unhealthy, ready, limits) for zone, (unhealthy, ready) in counts.items()
    }
    return Disruption(rates, all_disrupted)


def _rate(unhealthy: int, ready: int, limits: EvictionLimits) -> float:
    total = unhealthy + ready
    if ready and unhealthy > 2 and unhealthy / total >= limits.unhealthy_threshold:
        return limits.secondary_rate if total > limits.large_cluster_size else 0.0
    return limits.rate
