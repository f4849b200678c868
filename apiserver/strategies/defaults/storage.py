"""Defaults of StorageClass and CSIDriver."""

from __future__ import annotations

from apiserver.strategies.defaults.filling import filled, within
from minikube_py.api.meta import Object


def default_storage_class(storage_class: Object) -> Object:
    """A class whose volumes are made at once and deleted with their claims."""
    return filled(storage_class, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


def default_csi_driver(driver: Object) -> Object:
    """A driver that attaches, knows nothing of pods, and has persistent volumes."""
    return within(driver, "spec", _default_spec)


def _default_spec(spec: Object) -> Object:
    spec = filled(
        spec,
        {
            "attachRequired": True,
            "podInfoOnMount": False,
            "storageCapacity": False,
            "fsGroupPolicy": "ReadWriteOnceWithFSType",
            "requiresRepublish": False,
            "seLinuxMount": False,
        },
    )
    return spec if spec.get("volumeLifecycleModes") else {**spec, "volumeLifecycleModes": ["Persistent"]}
