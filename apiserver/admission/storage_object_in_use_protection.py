"""StorageObjectInUseProtection: volumes and claims carry a finalizer, so that none vanishes while it is in use.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/storage/storageobjectinuseprotection``.
"""

from __future__ import annotations

from typing import ClassVar

from apiserver.admission.plugin import CREATE, Action, Attributes, Plugin
from minikube_py.api.meta import Object, metadata

PV_PROTECTION = "kubernetes.io/pv-protection"
PVC_PROTECTION = "kubernetes.io/pvc-protection"
_FINALIZERS = {"persistentvolumes": PV_PROTECTION, "persistentvolumeclaims": PVC_PROTECTION}


class StorageObjectInUseProtection(Plugin):
    """Changes volumes and claims that are created."""

    name = "StorageObjectInUseProtection"
    mutates = True
    kinds = frozenset(("", plural) for plural in _FINALIZERS)
    actions: ClassVar[frozenset[Action]] = CREATE

    async def mutate(self, attributes: Attributes) -> None:
        """Adds the finalizer of the kind."""
        operation = attributes.operation
        if not operation.subresource and attributes.obj is not None:
            attributes.obj = with_finalizer(attributes.obj, _FINALIZERS[operation.resource.plural])


def with_finalizer(obj: Object, finalizer: str) -> Object:
    """The object with the finalizer. Pure."""
    present = metadata(obj).get("finalizers") or []
    if finalizer in present:
        return obj
    return {**obj, "metadata": {**metadata(obj), "finalizers": [*present, finalizer]}}
