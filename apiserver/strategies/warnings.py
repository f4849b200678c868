"""What is accepted, but that the client should know of: texts for ``Warning`` headers of kinds that are no workload."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.deprecated import NODE_LABELS, VOLUME_SOURCES
from minikube_py.api.meta import Object, annotations_of

_VOLUME_ANNOTATIONS = {
    "volume.beta.kubernetes.io/mount-options": ("v1.31", "mountOptions"),
    "volume.beta.kubernetes.io/storage-class": ("v1.8", "storageClassName"),
}
_INGRESS_CLASS = "kubernetes.io/ingress.class"
_MOUNTABLE_SECRETS = "kubernetes.io/enforce-mountable-secrets"


def node_label(path: str, key: str) -> Iterator[str]:
    """A warning if a label of nodes has a newer name."""
    if key in NODE_LABELS:
        yield f"{path}: {key} is {NODE_LABELS[key]}"


def persistent_volume(obj: Object) -> Iterator[str]:
    """Deprecated annotations, node labels, reclaim policy and sources."""
    spec = obj.get("spec") or {}
    for key, (since, instead) in _VOLUME_ANNOTATIONS.items():
        if key in annotations_of(obj):
            yield f'metadata.annotations[{key}]: deprecated since {since}; use "{instead}" attribute instead'
    if spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield (
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended "
            "approach is to use dynamic provisioning."
        )
    for source, (shown, message) in VOLUME_SOURCES.items():
        if spec.get(source) is not None:
            yield f"spec.{shown}: {message}"
    required = (spec.get("nodeAffinity") or {}).get("required") or {}
    for index, term in enumerate(required.get("nodeSelectorTerms") or []):
        for position, expression in enumerate(term.get("matchExpressions") or []):
            here = f"spec.nodeAffinity.required.nodeSelectorTerms[{index}].matchExpressions[{position}].key"
            yield from node_label(here, expression.get("key") or "")


def storage_class(obj: Object) -> Iterator[str]:
    """Deprecated node labels in topologies."""
    for index, term in enumerate(obj.get("allowedTopologies") or []):
        for position, expression in enumerate(term.get("matchLabelExpressions") or []):
            here = f"allowedTopologies[{index}].matchLabelExpressions[{position}].key"
            yield from node_label(here, expression.get("key") or "")


def csi_storage_capacity(obj: Object) -> Iterator[str]:
    """Deprecated node labels in the topology."""
    topology = obj.get("nodeTopology") or {}
    for key in sorted(topology.get("matchLabels") or {}):
        yield from node_label(f"nodeTopology.matchLabels[{key}]", key)
    for index, expression in enumerate(topology.get("matchExpressions") or []):
        yield from node_label(f"nodeTopology.matchExpressions[{index}].key", expression.get("key") or "")


def runtime_class(obj: Object) -> Iterator[str]:
    """Deprecated node labels in the selector."""
    for key in sorted((obj.get("scheduling") or {}).get("nodeSelector") or {}):
        yield from node_label("scheduling.nodeSelector", key)


def ingress(obj: Object) -> Iterator[str]:
    """The annotation that ``ingressClassName`` has replaced."""
    if _INGRESS_CLASS in annotations_of(obj):
        yield f"annotation \"{_INGRESS_CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"


def node(obj: Object) -> Iterator[str]:
    """Fields that nothing reads any more."""
    spec = obj.get("spec") or {}
    if spec.get("configSource") is not None:
        yield "spec.configSource: the feature is no longer supported"
    if spec.get("externalID"):
        yield "spec.externalID: this field is deprecated, and is unused by Kubernetes"


def service_account(obj: Object) -> Iterator[str]:
    """The annotation that limits which secrets pods may mount."""
    if _MOUNTABLE_SECRETS in annotations_of(obj):
        yield (
            f"metadata.annotations[{_MOUNTABLE_SECRETS}]: deprecated in v1.32+; prefer separate namespaces to isolate "
            "access to mounted secrets"
        )
