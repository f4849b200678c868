"""InterPodAffinity: pods that must, must not, or would rather be near others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minikube_py.api.meta import labels_of
from scheduler.plugins.plugin import MAX_SCORE, Change, ClusterEvent, Plugin, Rejection
from scheduler.pod_info import PodInfo
from scheduler.snapshot import NodeInfo, Snapshot
from scheduler.terms import NO_TERMS, Term

_AFFINITY = Rejection(("node(s) didn't match pod affinity rules",), resolvable=False)
_ANTI_AFFINITY = Rejection(("node(s) didn't match pod anti-affinity rules",))
_EXISTING = Rejection(("node(s) didn't satisfy existing pods anti-affinity rules",))

Domain = tuple[str, str]
"""A topology key and its value."""
Namespaces = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _State:
    """How many pods matter in each domain; None where there is nothing to look at."""

    affinity: Counter[Domain]
    anti_affinity: Counter[Domain]
    existing: Counter[Domain]
    preference: Counter[Domain]
    is_first_of_its_kind: bool


class InterPodAffinity(Plugin):
    """Filters by required terms, of the pod and of those that run; scores by preferred ones."""

    name = "InterPodAffinity"
    weight = 2

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> _State | None:
        """Counts, over the whole cluster, the pods that each kind of term speaks of."""
        mine = pod.terms
        affinity: Counter[Domain] = Counter()
        anti_affinity: Counter[Domain] = Counter()
        existing: Counter[Domain] = Counter()
        preference: Counter[Domain] = Counter()
        relevant = mine is not NO_TERMS
        for node in snapshot.nodes:
            for other in node.pods:
                if mine is not NO_TERMS:
                    near = mine.required_affinity
                    if near and all(_speaks_of(term, other, snapshot.namespaces) for term in near):
                        _count(affinity, near, node)
                    for term in mine.required_anti_affinity:
                        if _speaks_of(term, other, snapshot.namespaces):
                            _count(anti_affinity, (term,), node)
                    for term in mine.preferred:
                        if _speaks_of(term, other, snapshot.namespaces):
                            _count(preference, (term,), node, term.weight)
                if other.terms is not NO_TERMS:
                    relevant = True
                    _count_theirs(pod, other, node, snapshot.namespaces, existing, preference)
        if not relevant:
            return None
        first = not affinity and all(_speaks_of(term, pod, snapshot.namespaces) for term in mine.required_affinity)
        return _State(affinity, anti_affinity, existing, preference, first)

    def filter(self, state: _State | None, pod: PodInfo, node: NodeInfo) -> Rejection | None:
        """Rejects a node whose domains break a required term."""
        if state is None:
            return None
        for term in pod.terms.required_affinity:
            value = node.labels.get(term.topology_key)
            # The first pod of a group that wants to be together may start anywhere.
            if value is None or not (state.affinity[term.topology_key, value] or state.is_first_of_its_kind):
                return _AFFINITY
        for term in pod.terms.required_anti_affinity:
            value = node.labels.get(term.topology_key)
            if value is not None and state.anti_affinity[term.topology_key, value]:
                return _ANTI_AFFINITY
        if state.existing and any(state.existing[domain] for domain in node.labels.items()):
            return _EXISTING
        return None

    def score(self, state: _State | None, pod: PodInfo, node: NodeInfo) -> float:
        """The sum of the weights of the preferred terms that hold in the node's domains."""
        if state is None or not state.preference:
            return 0
        return sum(state.preference[domain] for domain in node.labels.items())

    def normalize(self, state: _State | None, pod: PodInfo, scores: Sequence[float]) -> Sequence[float]:
        """The lowest sum counts 0, the highest :data:`MAX_SCORE`."""
        lowest, highest = min(scores), max(scores)
        if highest == lowest:
            return [0.0] * len(scores)
        return [MAX_SCORE * (score - lowest) // (highest - lowest) for score in scores]

    def helps(self, pod: PodInfo, event: ClusterEvent) -> bool:
        """Pods have come, gone or changed, or a node has come or changed its labels."""
        if event.change in (Change.NODE_ADDED, Change.NODE_UPDATED):
            old, new = event.old_node, event.new_node
            return old is None or (new is not None and labels_of(old) != labels_of(new))
        return event.change is not Change.NODE_DELETED


def _speaks_of(term: Term, pod: PodInfo, namespaces: Namespaces) -> bool:
    return term.matches(pod.namespace, pod.labels, namespaces)


def _count(counts: Counter[Domain], terms: Sequence[Term], node: NodeInfo, amount: int = 1) -> None:
    for term in terms:
        value = node.labels.get(term.topology_key)
        if value is not None:
            counts[term.topology_key, value] += amount


def _count_theirs(
    pod: PodInfo,
    other: PodInfo,
    node: NodeInfo,
    namespaces: Namespaces,
    existing: Counter[Domain],
    preference: Counter[Domain],
) -> None:
    """What a running pod's terms say about the pod; its required affinity is taken as a slight preference."""
    for term in other.terms.required_anti_affinity:
        if _speaks_of(term, pod, namespaces):
            _count(existing, (term,), node)
    for term in other.terms.required_affinity:
        if _speaks_of(term, pod, namespaces):
            _count(preference, (term,), node)
    for term in other.terms.preferred:
        if _speaks_of(term, pod, namespaces):
            _count(preference, (term,), node, term.weight)
