"""What a pod says about other pods: affinity terms and topology spread constraints, compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from minikube_py.api.meta import Object
from minikube_py.api.selectors import LabelSelector, Requirement

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Term:
    """Pods that ``selector`` matches in the namespaces meant, on nodes that share the value of ``topology_key``."""

    selector: LabelSelector
    topology_key: str
    namespaces: frozenset[str]
    namespace_selector: LabelSelector
    weight: int = 0

    def matches(self, namespace: str, labels: Labels, namespaces: Mapping[str, Labels]) -> bool:
        """Whether a pod is meant; ``namespaces`` gives the labels of each namespace."""
        if namespace not in self.namespaces and not self.namespace_selector.matches(namespaces.get(namespace, {})):
            return False
        return self.selector.matches(labels)


@dataclass(frozen=True, slots=True)
class PodTerms:
    """The terms of one pod."""

    required_affinity: tuple[Term, ...]
    required_anti_affinity: tuple[Term, ...]
    preferred: tuple[Term, ...]
    """Preferred affinity with its weight, preferred anti-affinity with its weight negated."""


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """One topology spread constraint; ``hard``: it must be kept."""

    topology_key: str
    selector: LabelSelector
    max_skew: int
    min_domains: int
    hard: bool
    honor_affinity: bool
    honor_taints: bool


NO_TERMS = PodTerms((), (), ())
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def pod_terms(spec: Object, namespace: str, labels: Labels) -> PodTerms:
    """The affinity and anti-affinity between pods that a pod's spec states."""
    affinity = spec.get("affinity") or {}
    near, far = affinity.get("podAffinity") or {}, affinity.get("podAntiAffinity") or {}
    if not near and not far:
        return NO_TERMS
    return PodTerms(
        tuple(_term(term, namespace, labels) for term in near.get(_REQUIRED) or ()),
        tuple(_term(term, namespace, labels) for term in far.get(_REQUIRED) or ()),
        (
            *_weighted(near.get(_PREFERRED) or (), namespace, labels, 1),
            *_weighted(far.get(_PREFERRED) or (), namespace, labels, -1),
        ),
    )


def _weighted(terms: Iterable[Object], namespace: str, labels: Labels, sign: int) -> list[Term]:
    return [
        _term(term.get("podAffinityTerm") or {}, namespace, labels, sign * int(term.get("weight") or 0))
        for term in terms
    ]


def _term(term: Object, namespace: str, labels: Labels, weight: int = 0) -> Term:
    named = term.get("namespaces") or []
    by_labels = LabelSelector.from_object(term.get("namespaceSelector"))
    return Term(
        selector=_selector(term, labels),
        topology_key=term.get("topologyKey") or "",
        namespaces=frozenset(named if named or not by_labels.selects_nothing else [namespace]),
        namespace_selector=by_labels,
        weight=weight,
    )


def _selector(term: Object, labels: Labels) -> LabelSelector:
    """The label selector, narrowed by the pod's own labels as ``matchLabelKeys`` and ``mismatchLabelKeys`` say."""
    selector = LabelSelector.from_object(term.get("labelSelector"))
    if selector.selects_nothing:
        return selector
    narrowed = [
        Requirement(key, operator, (labels[key],))
        for field, operator in (("matchLabelKeys", "in"), ("mismatchLabelKeys", "notin"))
        for key in term.get(field) or ()
        if key in labels
    ]
    return LabelSelector((*selector.requirements, *narrowed))


def spread_constraints(spec: Object, labels: Labels) -> tuple[SpreadConstraint, ...]:
    """The pod's topology spread constraints."""
    return tuple(
        SpreadConstraint(
            topology_key=constraint.get("topologyKey") or "",
            selector=_selector(constraint, labels),
            max_skew=int(constraint.get("maxSkew") or 1),
            min_domains=int(constraint.get("minDomains") or 1),
            hard=constraint.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule",
            honor_affinity=constraint.get("nodeAffinityPolicy", "Honor") == "Honor",
            honor_taints=constraint.get("nodeTaintsPolicy", "Ignore") == "Honor",
        )
        for constraint in spec.get("topologySpreadConstraints") or ()
    )
