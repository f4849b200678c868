"""The printers of storage.k8s.io."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiserver.table.columns import AGE, NAME, Column, Printer, age, documented
from apiserver.table.volumes import UNSET
from minikube_py.api.meta import Object, annotations_of, name_of

_GROUP = "storage.k8s.io"
_DEFAULT_CLASS = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")

STORAGE_CLASS_COLUMNS = (
    NAME,
    Column("Provisioner", documented("storage.v1.StorageClass", "provisioner")),
    Column("ReclaimPolicy", documented("storage.v1.StorageClass", "reclaimPolicy")),
    Column("VolumeBindingMode", documented("storage.v1.StorageClass", "volumeBindingMode")),
    Column("AllowVolumeExpansion", documented("storage.v1.StorageClass", "allowVolumeExpansion")),
    AGE,
)
ATTRIBUTES_CLASS_COLUMNS = (NAME, Column("DriverName", "Name of the CSI driver"), AGE)
ATTACHMENT_COLUMNS = (
    NAME,
    Column("Attacher", documented("storage.v1.VolumeAttachmentSpec", "attacher"), format="name"),
    Column("PV", documented("storage.v1.VolumeAttachmentSource", "persistentVolumeName")),
    Column("Node", documented("storage.v1.VolumeAttachmentSpec", "nodeName")),
    Column("Attached", documented("storage.v1.VolumeAttachmentStatus", "attached"), type="boolean"),
    AGE,
)
CSI_NODE_COLUMNS = (
    NAME,
    Column("Drivers", "Drivers indicates the number of CSI drivers registered on the node", type="integer"),
    AGE,
)
CSI_DRIVER_COLUMNS = (
    NAME,
    Column("AttachRequired", documented("storage.v1.CSIDriverSpec", "attachRequired"), type="boolean"),
    Column("PodInfoOnMount", documented("storage.v1.CSIDriverSpec", "podInfoOnMount"), type="boolean"),
    Column("StorageCapacity", documented("storage.v1.CSIDriverSpec", "storageCapacity"), type="boolean"),
    Column("TokenRequests", documented("storage.v1.CSIDriverSpec", "tokenRequests")),
    Column("RequiresRepublish", documented("storage.v1.CSIDriverSpec", "requiresRepublish"), type="boolean"),
    Column("Modes", documented("storage.v1.CSIDriverSpec", "volumeLifecycleModes")),
    AGE,
)
CAPACITY_COLUMNS = (
    NAME,
    Column("StorageClassName", documented("storage.v1.CSIStorageCapacity", "storageClassName")),
    Column("Capacity", documented("storage.v1.CSIStorageCapacity", "capacity")),
)


def storage_class_cells(storage_class: Object, now: datetime) -> list[Any]:
    """Name with a mark on the default class, provisioner, reclaim policy, binding mode, expansion, age."""
    annotations = annotations_of(storage_class)
    is_default = any(annotations.get(key) == "true" for key in _DEFAULT_CLASS)
    return [
        f"{name_of(storage_class)} (default)" if is_default else name_of(storage_class),
        storage_class.get("provisioner", ""),
        storage_class.get("reclaimPolicy") or "Delete",
        storage_class.get("volumeBindingMode") or "Immediate",
        bool(storage_class.get("allowVolumeExpansion")),
        age(storage_class, now),
    ]


def attributes_class_cells(attributes_class: Object, now: datetime) -> list[Any]:
    """Name, driver, age."""
    return [name_of(attributes_class), attributes_class.get("driverName", ""), age(attributes_class, now)]


def attachment_cells(attachment: Object, now: datetime) -> list[Any]:
    """Name, attacher, volume, node, whether it is attached, age."""
    spec, status = attachment.get("spec") or {}, attachment.get("status") or {}
    return [
        name_of(attachment),
        spec.get("attacher", ""),
        (spec.get("source") or {}).get("persistentVolumeName", ""),
        spec.get("nodeName", ""),
        bool(status.get("attached")),
        age(attachment, now),
    ]


def csi_node_cells(node: Object, now: datetime) -> list[Any]:
    """Name, number of drivers, age."""
    return [name_of(node), len((node.get("spec") or {}).get("drivers") or ()), age(node, now)]


def csi_driver_cells(driver: Object, now: datetime) -> list[Any]:
    """Name, what it requires and supports, age."""
    spec = driver.get("spec") or {}
    audiences = (request.get("audience") or "<unset>" for request in spec.get("tokenRequests") or ())
    return [
        name_of(driver),
        spec.get("attachRequired", True),
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        ",".join(audiences) or UNSET,
        bool(spec.get("requiresRepublish")),
        ",".join(spec.get("volumeLifecycleModes") or ()) or UNSET,
        age(driver, now),
    ]


def capacity_cells(capacity: Object, now: datetime) -> list[Any]:
    """Name, storage class, capacity."""
    return [name_of(capacity), capacity.get("storageClassName", ""), capacity.get("capacity") or UNSET]


PRINTERS = {
    (_GROUP, "CSIDriver"): Printer(CSI_DRIVER_COLUMNS, csi_driver_cells),
    (_GROUP, "CSINode"): Printer(CSI_NODE_COLUMNS, csi_node_cells),
    (_GROUP, "CSIStorageCapacity"): Printer(CAPACITY_COLUMNS, capacity_cells),
    (_GROUP, "StorageClass"): Printer(STORAGE_CLASS_COLUMNS, storage_class_cells),
    (_GROUP, "VolumeAttachment"): Printer(ATTACHMENT_COLUMNS, attachment_cells),
    (_GROUP, "VolumeAttributesClass"): Printer(ATTRIBUTES_CLASS_COLUMNS, attributes_class_cells),
}
