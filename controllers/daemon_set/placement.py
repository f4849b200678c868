"""Which nodes are to run a DaemonSet's pods, and the pods that are made for them; pure.

Follows ``k8s.io/kubernetes/pkg/controller/daemon`` (``NodeShouldRunDaemonPod``) and its ``util``. A pod is pinned to
its node by a node affinity on ``metadata.name``; the default scheduler binds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import cast

from controllers.replica_set.sync import pod_from_template
from controllers.revisions import REVISION_LABEL
from minikube_py.api.meta import Object, annotations_of, labels_of, name_of
from minikube_py.api.nodes import NO_EXECUTE, NO_SCHEDULE, matches_node_affinity, taints_of, untolerated

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
"""The annotation of a DaemonSet that counts its templates."""
TEMPLATE_GENERATION_LABEL = "pod-template-generation"

_TOLERATED = (
    ("node.kubernetes.io/not-ready", NO_EXECUTE),
    ("node.kubernetes.io/unreachable", NO_EXECUTE),
    ("node.kubernetes.io/disk-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/memory-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/pid-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/unschedulable", NO_SCHEDULE),
)
_TOLERATED_ON_HOST_NETWORK = (("node.kubernetes.io/network-unavailable", NO_SCHEDULE),)
_SAME_TOLERATION = ("key", "effect", "operator", "value")


@dataclass(frozen=True, slots=True)
class Placement:
    """Whether a pod is to be started on a node, and whether one that is there may stay."""

    should_run: bool
    should_continue: bool


def placement(daemon_set: Object, node: Object) -> Placement:
    """What the node selector, the affinity and the tolerations of the template say of a node.

    A pod that runs stays on a node with a new taint unless the taint is an untolerated ``NoExecute``.
    """
    spec = daemon_set["spec"]["template"].get("spec") or {}
    if spec.get("nodeName") and spec["nodeName"] != name_of(node):
        return Placement(False, False)
    if not matches_node_affinity({"spec": spec}, node):
        return Placement(False, False)
    taints = taints_of(node)
    if not taints:
        return Placement(True, True)
    tolerations = daemon_tolerations(spec)
    if untolerated(taints, tolerations):
        return Placement(False, not untolerated(taints, tolerations, (NO_EXECUTE,)))
    return Placement(True, True)


def daemon_tolerations(spec: Object) -> list[Object]:
    """The tolerations of a pod spec with those that every daemon has: of what is wrong with its node."""
    tolerations: list[Object] = list(spec.get("tolerations") or [])
    tolerated = _TOLERATED + (_TOLERATED_ON_HOST_NETWORK if spec.get("hostNetwork") else ())
    for key, effect in tolerated:
        added = {"key": key, "operator": "Exists", "effect": effect}
        same = [index for index, present in enumerate(tolerations) if _is_same(present, added)]
        if same:
            tolerations[same[0]] = added
        else:
            tolerations.append(added)
    return tolerations


def _is_same(left: Object, right: Object) -> bool:
    return all((left.get(field) or "") == (right.get(field) or "") for field in _SAME_TOLERATION)


def daemon_pod(daemon_set: Object, node: str, revision_hash: str) -> Object:
    """The pod to create for a node, by a revision's hash."""
    pod = pod_from_template(daemon_set["spec"]["template"], daemon_set)
    labels = {**labels_of(pod), REVISION_LABEL: revision_hash}
    if generation := template_generation(daemon_set):
        labels[TEMPLATE_GENERATION_LABEL] = generation
    pod["metadata"]["labels"] = labels
    spec = pod["spec"]
    spec["tolerations"] = daemon_tolerations(spec)
    spec["affinity"] = _pinned(spec.get("affinity") or {}, node)
    return pod


def template_generation(daemon_set: Object) -> str:
    """The number of the template, or the empty string where there is none that is a number."""
    text = annotations_of(daemon_set).get(TEMPLATE_GENERATION, "")
    return text if text.isascii() and text.isdecimal() else ""


def _pinned(affinity: Object, node: str) -> Object:
    """The affinity with the node's name in place of the terms that the node was chosen by."""
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    pinned = deepcopy(affinity)
    pinned["nodeAffinity"] = {
        **(pinned.get("nodeAffinity") or {}),
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [field]}]},
    }
    return pinned


def target_node(pod: Object) -> str:
    """The node that a pod is bound or pinned to; the empty string for one that is neither."""
    spec = pod.get("spec") or {}
    if spec.get("nodeName"):
        return cast(str, spec["nodeName"])
    node_affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = node_affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    return next((name for term in required.get("nodeSelectorTerms") or [] if (name := _named(term))), "")


def _named(term: Object) -> str:
    fields: Sequence[Object] = term.get("matchFields") or []
    for field in fields:
        values = field.get("values") or []
        if field.get("key") == "metadata.name" and field.get("operator") == "In" and len(values) == 1:
            return cast(str, values[0])
    return ""
