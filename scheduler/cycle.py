"""One scheduling cycle: a pure function from a pod and a snapshot to a node, or to why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scheduler.plugins.plugin import Plugin, Rejection
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot

NO_NODES = "no nodes available to schedule pods"
_NO_VICTIMS = "No preemption victims found for incoming pod"
_NOT_HELPFUL = "Preemption is not helpful for scheduling"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The node that was chosen, and among how many: all that were looked at, and those that could take the pod."""

    node_name: str
    evaluated_nodes: int
    feasible_nodes: int


@dataclass(frozen=True, slots=True)
class Unschedulable:
    """No node can take the pod; ``rejected_by`` names the plugins that rejected any."""

    message: str
    rejected_by: frozenset[str]


def schedule(
    pod: PodInfo, snapshot: Snapshot, plugins: Sequence[Plugin], choose: Callable[[int], int]
) -> Scheduled | Unschedulable:
    """Filters, scores and chooses; ``choose(n)`` picks one of ``n`` equally good nodes.

    On one node, plugins are asked in order until one rejects it.
    """
    nodes = snapshot.nodes
    if not nodes:
        return Unschedulable(NO_NODES, frozenset())
    for plugin in plugins:
        why = plugin.reject(pod, snapshot)
        if why is not None:
            return Unschedulable(_message(pod, [], len(nodes), why), frozenset({plugin.name}))
    states = [plugin.prepare(pod, snapshot) for plugin in plugins]
    feasible: list[NodeInfo] = []
    rejections: list[Rejection] = []
    rejected_by: set[str] = set()
    for node in nodes:
        rejected = _filter(pod, node, plugins, states)
        if rejected is None:
            feasible.append(node)
        else:
            rejected_by.add(rejected[0].name)
            rejections.append(rejected[1])
    if not feasible:
        return Unschedulable(_message(pod, rejections, len(nodes), ""), frozenset(rejected_by))
    best = _best(pod, feasible, plugins, states) if len(feasible) > 1 else feasible
    chosen = best[choose(len(best))] if len(best) > 1 else best[0]
    return Scheduled(chosen.name, len(nodes), len(feasible))


def _filter(
    pod: PodInfo, node: NodeInfo, plugins: Sequence[Plugin], states: Sequence[Any]
) -> tuple[Plugin, Rejection] | None:
    for plugin, state in zip(plugins, states, strict=True):
        rejection = plugin.filter(state, pod, node)
        if rejection is not None:
            return plugin, rejection
    return None


def _best(pod: PodInfo, nodes: list[NodeInfo], plugins: Sequence[Plugin], states: Sequence[Any]) -> list[NodeInfo]:
    """The nodes with the highest weighted sum of scores."""
    totals = [0.0] * len(nodes)
    for plugin, state in zip(plugins, states, strict=True):
        if plugin.weight:
            scores = plugin.normalize(state, pod, [plugin.score(state, pod, node) for node in nodes])
            totals = [total + plugin.weight * score for total, score in zip(totals, scores, strict=True)]
    highest = max(totals)
    return [node for node, total in zip(nodes, totals, strict=True) if total == highest]


def _message(pod: PodInfo, rejections: Sequence[Rejection], node_count: int, why: str) -> str:
    """``0/1 nodes are available: 1 Insufficient cpu. preemption: …``, as upstream words it."""
    reasons = why or _histogram(reason for rejection in rejections for reason in rejection.reasons)
    message = f"0/{node_count} nodes are available: {reasons}."
    if pod.spec.get("preemptionPolicy") == "Never":
        return f"{message} preemption: not eligible due to preemptionPolicy=Never."
    if why:
        unhelpful = f"{node_count} {_NOT_HELPFUL}"
    else:
        unhelpful = _histogram(_NO_VICTIMS if rejection.resolvable else _NOT_HELPFUL for rejection in rejections)
    return f"{message} preemption: 0/{node_count} nodes are available: {unhelpful}."


def _histogram(reasons: Any) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in Counter(reasons).items()))
