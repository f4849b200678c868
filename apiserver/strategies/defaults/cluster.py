"""Defaults of Namespace and Node."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import filled, within
from minikube_py.api.meta import Object, labels_of, metadata, name_of

NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name"


def default_namespace(namespace: Object) -> Object:
    """A Namespace that carries its name as a label and has a phase."""
    labels = labels_of(namespace)
    if name_of(namespace) and labels.get(NAMESPACE_NAME_LABEL) != name_of(namespace):
        labelled = {**labels, NAMESPACE_NAME_LABEL: name_of(namespace)}
        namespace = {**namespace, "metadata": {**metadata(namespace), "labels": labelled}}
    return within(namespace, "status", lambda status: filled(status, {"phase": "Active"}))


def default_node(node: Object) -> Object:
    """A Node whose allocatable resources are its capacity unless told, and whose two forms of CIDR agree."""
    node = within(node, "status", _default_node_status)
    return within(node, "spec", _synchronize_pod_cidrs)


def _default_node_status(status: Object) -> Object:
    if status.get("allocatable") is None and status.get("capacity"):
        return {**status, "allocatable": status["capacity"]}
    return status


def _synchronize_pod_cidrs(spec: Object) -> Object:
    cidr, cidrs = spec.get("podCIDR"), spec.get("podCIDRs") or []
    if cidr and cidrs[:1] != [cidr]:
        # The singular field is the older one, and wins where a client changed only that.
        return {**spec, "podCIDRs": [cidr]}
    if cidrs and not cidr:
        return {**spec, "podCIDR": cidrs[0]}
    return spec
