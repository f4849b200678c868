"""How disturbed a zone is, and how fast its nodes may therefore be evicted; pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controllers.node.health import ready_status
from minikube_py.api.meta import Object, labels_of

_REGION = "topology.kubernetes.io/region"
_ZONE = "topology.kubernetes.io/zone"


class ZoneState(enum.Enum):
    """As upstream's zone states."""

    NORMAL = "Normal"
    PARTIAL_DISRUPTION = "PartialDisruption"
    FULL_DISRUPTION = "FullDisruption"


@dataclass(frozen=True, slots=True)
class Rates:
    """Nodes per second that may be evicted, and when a zone counts as disturbed."""

    normal: float
    secondary: float
    unhealthy_threshold: float
    large_cluster_size: int


def zone_of(node: Object) -> str:
    """The node's region and zone; nodes without those labels are one zone."""
    labels = labels_of(node)
    return f"{labels.get(_REGION, '')}:{labels.get(_ZONE, '')}"


def zone_states(nodes: Iterable[Object], unhealthy_threshold: float) -> dict[str, ZoneState]:
    """The state of every zone."""
    zones: dict[str, list[bool]] = {}
    for node in nodes:
        zones.setdefault(zone_of(node), []).append(ready_status(node) == "True")
    return {zone: _state(readiness, unhealthy_threshold) for zone, readiness in zones.items()}


def _state(readiness: list[bool], unhealthy_threshold: float) -> ZoneState:
    not_ready = readiness.count(False)
    if not_ready == len(readiness):
        return ZoneState.FULL_DISRUPTION
    if not_ready > 2 and not_ready / len(readiness) >= unhealthy_threshold:
        return ZoneState.PARTIAL_DISRUPTION
    return ZoneState.NORMAL


def is_all_disrupted(states: Mapping[str, ZoneState]) -> bool:
    """Whether no node anywhere is ready: then the fault is more likely ours, and nobody is evicted."""
    return bool(states) and all(state is ZoneState.FULL_DISRUPTION for state in states.values())


def eviction_rate(state: ZoneState, size: int, rates: Rates) -> float:
    """Nodes of the zone per second; 0 is none."""
    if state is ZoneState.PARTIAL_DISRUPTION:
        return rates.secondary if size > rates.large_cluster_size else 0.0
    return rates.normal
