"""Taints, tolerations, node selectors and a node's standing; follows ``k8s.io/component-helpers``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import cast

from minikube_py.api.meta import Object, condition_is_true, labels_of, name_of
from minikube_py.api.selectors import compare_integers

NO_SCHEDULE = "NoSchedule"
NO_EXECUTE = "NoExecute"
PREFER_NO_SCHEDULE = "PreferNoSchedule"


def is_ready(node: Object) -> bool:
    """Whether the ``Ready`` condition is true."""
    return condition_is_true(node, "Ready")


def internal_ip(node: Object) -> str:
    """The first ``InternalIP`` of ``status.addresses``, or the empty string."""
    addresses = (node.get("status") or {}).get("addresses") or []
    return next((cast(str, a.get("address", "")) for a in addresses if a.get("type") == "InternalIP"), "")


def hostname(node: Object) -> str:
    """The ``Hostname`` address, or the node's name."""
    addresses = (node.get("status") or {}).get("addresses") or []
    return next((cast(str, a.get("address", "")) for a in addresses if a.get("type") == "Hostname"), name_of(node))


def taints_of(node: Object) -> list[Object]:
    """``spec.taints``, or an empty list."""
    return cast(list[Object], (node.get("spec") or {}).get("taints") or [])


def is_unschedulable(node: Object) -> bool:
    """Whether the node is cordoned."""
    return bool((node.get("spec") or {}).get("unschedulable"))


def tolerates(tolerations: Iterable[Object], taint: Object) -> bool:
    """Whether any of the tolerations tolerates the taint."""
    return any(_tolerates(toleration, taint) for toleration in tolerations)


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    # No key at all is only valid with Exists.
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def untolerated(
    taints: Iterable[Object], tolerations: Collection[Object], effects: Collection[str] = (NO_SCHEDULE, NO_EXECUTE)
) -> list[Object]:
    """The taints of these effects that nothing tolerates, in order."""
    return [taint for taint in taints if taint.get("effect") in effects and not tolerates(tolerations, taint)]


def node_selector_matches(selector: Object, node: Object) -> bool:
    """Whether any term of a ``NodeSelector`` matches; one without terms matches nothing."""
    return any(node_selector_term_matches(term, node) for term in selector.get("nodeSelectorTerms") or [])


def node_selector_term_matches(term: Object, node: Object) -> bool:
    """Whether all of a term's expressions and fields match; an empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False
    labels = labels_of(node)
    return all(_matches(e, labels.get(e.get("key", ""))) for e in expressions) and all(
        _matches(f, name_of(node) if f.get("key") == "metadata.name" else None) for f in fields
    )


def _matches(expression: Object, value: str | None) -> bool:
    values = expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            bound = values[0] if len(values) == 1 else ""
            return value is not None and compare_integers(value, ">" if operator == "Gt" else "<", bound)
    return False


def matches_node_affinity(pod: Object, node: Object) -> bool:
    """Whether the node satisfies the pod's ``nodeSelector`` and required node affinity."""
    spec = pod.get("spec") or {}
    labels = labels_of(node)
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or node_selector_matches(required, node)
