"""PersistentVolumeClaimResize: a claim grows only where it is bound and its storage class allows it.

Follows ``k8s.io/kubernetes/plugin/pkg/admission/storage/persistentvolume/resize``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from apiserver.admission.lookup import Derived
from apiserver.admission.plugin import Action, Attributes, Plugin
from minikube_py.api.errors import Forbidden, forbidden
from minikube_py.api.meta import Object
from minikube_py.api.quantity import ZERO, Quantity
from minikube_py.api.quota import storage_class_of
from minikube_py.api.resources import STORAGE_CLASSES


class PersistentVolumeClaimResize(Plugin):
    """Looks at updates of claims."""

    name = "PersistentVolumeClaimResize"
    validates = True
    kinds = frozenset({("", "persistentvolumeclaims")})
    actions: ClassVar[frozenset[Action]] = frozenset({"UPDATE"})

    def __init__(self) -> None:
        self._expandable: Derived[bool] = Derived(STORAGE_CLASSES, lambda obj: bool(obj.get("allowVolumeExpansion")))

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for growth that the storage cannot follow."""
        new, old, operation = attributes.obj, attributes.old, attributes.operation
        if operation.subresource or new is None or old is None or not grows(new, old):
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            raise _refused(operation.name, "Only bound persistent volume claims can be expanded")
        storage_class = storage_class_of(new)
        if (
            not storage_class
            or storage_class != storage_class_of(old)
            or not await self._expandable.get(operation.core, "", storage_class)
        ):
            raise _refused(
                operation.name,
                "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must "
                "support resize",
            )


def grows(new: Object, old: Object) -> bool:
    """Whether a claim asks for more storage than it did. Pure."""
    return _requested(new) > _requested(old)


def _requested(claim: Object) -> Quantity:
    requests: dict[str, Any] = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return Quantity.parse(requests["storage"]) if "storage" in requests else ZERO


def _refused(name: str, cause: str) -> Forbidden:
    return forbidden("", "persistentvolumeclaims", name, cause)
