"""PodTopologySpread: keeps pods of a group evenly spread over nodes, zones or other domains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minikube_py.api.meta import is_deleting, labels_of
from minikube_py.api.nodes import matches_node_affinity, taints_of, untolerated
from scheduler.plugins.plugin import MAX_SCORE, Change, ClusterEvent, Plugin, Rejection
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot
from scheduler.terms import SpreadConstraint

_REASON = "node(s) didn't match pod topology spread constraints"
_SKEWED = Rejection((_REASON,))
_NO_LABEL = Rejection((f"{_REASON} (missing required label)",), resolvable=False)


@dataclass(frozen=True, slots=True)
class _Spread:
    """One constraint, and the number of matching pods in each of its domains."""

    constraint: SpreadConstraint
    counts: Mapping[str, int]
    counts_itself: int
    """1 where the pod is one of those that are spread."""

    @property
    def fewest(self) -> int:
        """The pods of the emptiest domain; 0 where there are fewer domains than asked for."""
        if len(self.counts) < self.constraint.min_domains:
            return 0
        return min(self.counts.values(), default=0)


class PodTopologySpread(Plugin):
    """Filters by ``DoNotSchedule`` constraints; scores by ``ScheduleAnyway`` ones."""

    name = "PodTopologySpread"
    weight = 2

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> tuple[_Spread, ...]:
        """Counts the pods of each constraint in each domain."""
        spreads: list[_Spread] = []
        for hard in (True, False):
            constraints = [constraint for constraint in pod.spread_constraints if constraint.hard is hard]
            keys = {constraint.topology_key for constraint in constraints}
            nodes = [node for node in snapshot.nodes if keys <= node.labels.keys()] if keys else []
            spreads += [_spread(pod, constraint, nodes) for constraint in constraints]
        return tuple(spreads)

    def filter(self, state: tuple[_Spread, ...], pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Rejects a node whose domain would be ahead of the emptiest one by more than ``maxSkew``."""
        for spread in state:
            constraint = spread.constraint
            if not constraint.hard:
                continue
            value = node.labels.get(constraint.topology_key)
            if value is None:
                return _NO_LABEL
            if spread.counts.get(value, 0) + spread.counts_itself - spread.fewest > constraint.max_skew:
                return _SKEWED
        return None

    def score(self, state: tuple[_Spread, ...], pod: PodInfo, node: NodeInfo) -> float:
        """How full the node's domains are, more so the more domains there are; -1 where it lacks a label."""
        total = 0.0
        for spread in state:
            constraint = spread.constraint
            if constraint.hard:
                continue
            value = node.labels.get(constraint.topology_key)
            if value is None:
                return -1
            weight = math.log(len(spread.counts) + 2)
            total += spread.counts.get(value, 0) * weight + constraint.max_skew - 1
        return round(total)

    def normalize(self, state: tuple[_Spread, ...], pod: PodInfo, scores: Sequence[float]) -> Sequence[float]:
        """The emptiest counts most; a node without the label counts 0."""
        if all(spread.constraint.hard for spread in state):
            return [0.0] * len(scores)
        counted = [score for score in scores if score >= 0]
        lowest, highest = min(counted, default=0), max(counted, default=0)
        if highest == 0:
            return [MAX_SCORE if score >= 0 else 0 for score in scores]
        return [MAX_SCORE * (highest + lowest - score) // highest if score >= 0 else 0 for score in scores]

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """Pods of the group have come, gone or changed, or domains have."""
        if event.change in (Change.NODE_ADDED, Change.NODE_DELETED):
            return True
        if event.change is Change.NODE_UPDATED:
            old, new = event.old_node or {}, event.new_node or {}
            return labels_of(old) != labels_of(new) or taints_of(old) != taints_of(new)
        return any(
            other is not None
            and other.namespace == pod.namespace
            and any(constraint.selector.matches(other.labels) for constraint in pod.spread_constraints)
            for other in (event.old_pod, event.new_pod)
        )


def _spread(pod: PodInfo, constraint: SpreadConstraint, nodes: Sequence[NodeInfo]) -> _Spread:
    counts: dict[str, int] = {}
    for node in nodes:
        if constraint.honor_affinity and not matches_node_affinity(pod.pod, node.node):
            continue
        if constraint.honor_taints and untolerated(node.taints, pod.spec.get("tolerations") or ()):
            continue
        value = node.labels[constraint.topology_key]
        counts[value] = counts.get(value, 0) + sum(_is_counted(other, pod, constraint) for other in node.pods)
    return _Spread(constraint, counts, int(constraint.selector.matches(pod.labels)))


def _is_counted(other: PodInfo, pod: PodInfo, constraint: SpreadConstraint) -> bool:
    return other.namespace == pod.namespace and constraint.selector.matches(other.labels) and not is_deleting(other.pod)
