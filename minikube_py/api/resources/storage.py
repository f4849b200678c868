"""The kinds of storage."""

from __future__ import annotations

from dataclasses import replace

from minikube_py.api.resources.model import Resource
from minikube_py.api.resources.subresources import STATUS

_STORAGE = "storage.k8s.io"

CSI_DRIVERS = Resource(_STORAGE, "v1", "CSIDriver", "csidrivers", "csidriver", namespaced=False)
CSI_NODES = Resource(
    _STORAGE,
    "v1",
    "CSINode",
    "csinodes",
    "csinode",
    namespaced=False,
    subresources=(replace(STATUS, since=37),),
)
CSI_STORAGE_CAPACITIES = Resource(
    _STORAGE, "v1", "CSIStorageCapacity", "csistoragecapacities", "csistoragecapacity", namespaced=True
)
STORAGE_CLASSES = Resource(
    _STORAGE, "v1", "StorageClass", "storageclasses", "storageclass", namespaced=False, short_names=("sc",)
)
VOLUME_ATTACHMENTS = Resource(
    _STORAGE,
    "v1",
    "VolumeAttachment",
    "volumeattachments",
    "volumeattachment",
    namespaced=False,
    subresources=(STATUS,),
)
VOLUME_ATTRIBUTES_CLASSES = Resource(
    _STORAGE,
    "v1",
    "VolumeAttributesClass",
    "volumeattributesclasses",
    "volumeattributesclass",
    namespaced=False,
    short_names=("vac",),
    since=34,
)

STORAGE = (
    CSI_DRIVERS,
    CSI_NODES,
    CSI_STORAGE_CAPACITIES,
    STORAGE_CLASSES,
    VOLUME_ATTACHMENTS,
    VOLUME_ATTRIBUTES_CLASSES,
)
