"""Validation of the kinds of storage.k8s.io: classes, drivers, attachments, capacities."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from apiserver.validation.meta import immutable, label_selector, object_meta, object_meta_update
from apiserver.validation.names import dns_subdomain, non_negative, qualified_name
from apiserver.validation.persistent_volumes import csi_driver_name, persistent_volume_spec
from apiserver.validation.resources import quantity
from apiserver.validation.topology import topology_terms
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_long,
)
from minikube_py.api.meta import Object

MAX_PARAMETERS = 512
MAX_PARAMETERS_BYTES = 256 * 1024
_MAX_METADATA_BYTES = 256 * 1024
_MAX_MESSAGE_BYTES = 1024
_MAX_NODE_ID = 256
_RECLAIM_POLICIES = ("Delete", "Retain")
_BINDING_MODES = ("Immediate", "WaitForFirstConsumer")
_FS_GROUP_POLICIES = ("ReadWriteOnceWithFSType", "File", "None")
_LIFECYCLE_MODES = ("Persistent", "Ephemeral")
_ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def storage_class(obj: Object) -> Iterator[FieldError]:
    """A StorageClass about to be stored."""
    yield from object_meta(obj, namespaced=False)
    yield from _provisioner("provisioner", obj.get("provisioner") or "")
    yield from _parameters(obj)
    policy, mode = obj.get("reclaimPolicy") or "", obj.get("volumeBindingMode")
    if policy and policy not in _RECLAIM_POLICIES:
        yield field_not_supported("reclaimPolicy", policy, _RECLAIM_POLICIES)
    if mode is None:
        yield field_required("volumeBindingMode")
    elif mode not in _BINDING_MODES:
        yield field_not_supported("volumeBindingMode", mode, _BINDING_MODES)
    yield from topology_terms("allowedTopologies", obj.get("allowedTopologies") or [])


def storage_class_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed StorageClass: what it provisions stays."""
    yield from object_meta_update(new, old)
    yield from _forbid_changes(new, old, ("parameters", "provisioner", "reclaimPolicy"))
    yield from immutable("volumeBindingMode", new.get("volumeBindingMode"), old.get("volumeBindingMode"))


def volume_attributes_class(obj: Object) -> Iterator[FieldError]:
    """A VolumeAttributesClass about to be stored."""
    yield from object_meta(obj, namespaced=False)
    yield from _provisioner("driverName", obj.get("driverName") or "")
    yield from _parameters(obj)
    if not obj.get("parameters"):
        yield field_required("parameters", "must contain at least one key/value pair")


def volume_attributes_class_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed VolumeAttributesClass: driver and parameters stay."""
    yield from object_meta_update(new, old)
    yield from _forbid_changes(new, old, ("driverName", "parameters"))
    yield from volume_attributes_class(new)


def volume_attachment(obj: Object) -> Iterator[FieldError]:
    """A VolumeAttachment about to be stored."""
    yield from _volume_attachment(obj)
    spec = obj.get("spec") or {}
    yield from csi_driver_name("spec.attacher", spec.get("attacher") or "")
    volume = (spec.get("source") or {}).get("persistentVolumeName")
    if volume:
        yield from dns_subdomain("spec.source.persistentVolumeName", volume)


def volume_attachment_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed VolumeAttachment, whose spec stays."""
    yield from object_meta_update(new, old)
    yield from _volume_attachment(new)
    yield from immutable("spec", new.get("spec"), old.get("spec"))


def csi_driver(obj: Object) -> Iterator[FieldError]:
    """A CSIDriver about to be stored."""
    yield from object_meta(obj, namespaced=False)
    yield from _csi_driver_spec("spec", obj.get("spec") or {})


def csi_driver_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed CSIDriver: how it attaches and which lives its volumes have stays."""
    yield from object_meta_update(new, old)
    new_spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    yield from _csi_driver_spec("spec", new_spec)
    yield from immutable("spec.attachedRequired", new_spec.get("attachRequired"), old_spec.get("attachRequired"))
    modes = "volumeLifecycleModes"
    yield from immutable(f"spec.{modes}", new_spec.get(modes), old_spec.get(modes))


def csi_node(obj: Object) -> Iterator[FieldError]:
    """A CSINode: the drivers on a node, each once."""
    yield from object_meta(obj, namespaced=False)
    seen: set[str] = set()
    for index, driver in enumerate((obj.get("spec") or {}).get("drivers") or []):
        here, name = f"spec.drivers[{index}]", driver.get("name") or ""
        yield from csi_driver_name(f"{here}.name", name)
        yield from _node_id(f"{here}.nodeID", driver.get("nodeID") or "")
        yield from non_negative(f"{here}.allocatable.count", (driver.get("allocatable") or {}).get("count"))
        if name in seen:
            yield field_duplicate(f"{here}.name", name)
        seen.add(name)
        yield from _topology_keys(here, driver.get("topologyKeys") or [])


def csi_node_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed CSINode: a driver comes or goes, it does not change."""
    yield from object_meta_update(new, old)
    yield from csi_node(new)
    before = {driver.get("name"): driver for driver in (old.get("spec") or {}).get("drivers") or []}
    for driver in (new.get("spec") or {}).get("drivers") or []:
        if driver.get("name") in before:
            yield from immutable("spec.drivers", driver, before[driver.get("name")])


def csi_storage_capacity(obj: Object) -> Iterator[FieldError]:
    """A CSIStorageCapacity about to be stored."""
    yield from object_meta(obj, namespaced=True)
    yield from label_selector("nodeTopology", obj.get("nodeTopology"))
    yield from dns_subdomain("storageClassName", obj.get("storageClassName") or "")
    if obj.get("capacity") is not None:
        yield from quantity("capacity", obj["capacity"])


def csi_storage_capacity_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed CSIStorageCapacity: what it was asked for stays."""
    yield from object_meta_update(new, old)
    for key in ("nodeTopology", "storageClassName"):
        yield from immutable(key, new.get(key), old.get(key))


def _forbid_changes(new: Object, old: Object, keys: tuple[str, ...]) -> Iterator[FieldError]:
    for key in keys:
        if (new.get(key) or None) != (old.get(key) or None):
            yield field_forbidden(key, f"updates to {key} are forbidden.")


def _provisioner(path: str, value: str) -> Iterator[FieldError]:
    if not value:
        yield field_required(path)
    else:
        yield from qualified_name(path, value.lower())


def _parameters(obj: Object) -> Iterator[FieldError]:
    parameters = obj.get("parameters") or {}
    if len(parameters) > MAX_PARAMETERS:
        yield field_too_long("parameters", MAX_PARAMETERS)
        return
    if "" in parameters:
        yield field_invalid("parameters", "", "field can not be empty.")
    if _size(parameters) > MAX_PARAMETERS_BYTES:
        yield field_too_long("parameters", MAX_PARAMETERS_BYTES)


def _size(texts: dict[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in texts.items())


def _volume_attachment(obj: Object) -> Iterator[FieldError]:
    yield from object_meta(obj, namespaced=False)
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if not spec.get("attacher"):
        yield field_required("spec.attacher")
    yield from _attachment_source("spec.source", spec.get("source") or {})
    yield from dns_subdomain("spec.nodeName", spec.get("nodeName") or "")
    if _size(status.get("attachmentMetadata") or {}) > _MAX_METADATA_BYTES:
        yield field_too_long("status.attachmentMetadata", _MAX_METADATA_BYTES)
    for key in ("attachError", "detachError"):
        if len(((status.get(key) or {}).get("message") or "").encode()) > _MAX_MESSAGE_BYTES:
            yield field_too_long(f"status.{key}.message", _MAX_MESSAGE_BYTES)


def _attachment_source(path: str, source: Object) -> Iterator[FieldError]:
    inline, volume = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and volume is None:
        yield field_required(path, _ONE_SOURCE)
    elif inline is not None and volume is not None:
        yield field_forbidden(path, _ONE_SOURCE)
    elif volume is not None:
        if not volume:
            yield field_required(f"{path}.persistentVolumeName", "must specify non empty persistentVolumeName")
    else:
        yield from persistent_volume_spec(f"{path}.inlineVolumeSpec", inline or {}, inline=True)


def _csi_driver_spec(path: str, spec: Object) -> Iterator[FieldError]:
    # Upstream's path of attachRequired is spelt so.
    for key, shown in (("attachRequired", "attachedRequired"), ("podInfoOnMount", ""), ("storageCapacity", "")):
        if spec.get(key) is None:
            yield field_required(f"{path}.{shown or key}")
    policy = spec.get("fsGroupPolicy")
    if policy is not None and policy not in _FS_GROUP_POLICIES:
        yield field_not_supported(f"{path}.fsGroupPolicy", policy, _FS_GROUP_POLICIES)
    yield from _token_requests(f"{path}.tokenRequests", spec.get("tokenRequests") or [])
    for mode in spec.get("volumeLifecycleModes") or []:
        if mode not in _LIFECYCLE_MODES:
            yield field_not_supported(f"{path}.volumeLifecycleModes", mode, _LIFECYCLE_MODES)
    period = spec.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < 10:
        detail = "must be greater than or equal to 10 seconds"
        yield field_invalid(f"{path}.nodeAllocatableUpdatePeriodSeconds", period, detail)


def _token_requests(path: str, requests: list[Object]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, request in enumerate(requests):
        here, audience = f"{path}[{index}]", request.get("audience") or ""
        if audience in seen:
            yield field_duplicate(f"{here}.audience", audience)
            continue
        seen.add(audience)
        seconds = request.get("expirationSeconds")
        if seconds is not None and seconds < 600:
            yield field_invalid(f"{here}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
        if seconds is not None and seconds > 2**32:
            detail = "may not specify a duration larger than 2^32 seconds"
            yield field_invalid(f"{here}.expirationSeconds", seconds, detail)


def _node_id(path: str, value: str) -> Iterator[FieldError]:
    if not value:
        yield field_required(path)
    if len(value.encode()) > _MAX_NODE_ID:
        yield field_invalid(path, value, f"must be {_MAX_NODE_ID} characters or less")


def _topology_keys(path: str, keys: list[str]) -> Iterator[FieldError]:
    for key in keys:
        if not key:
            yield field_required(path)
        yield from qualified_name(path, key)
    for before, key in pairwise(sorted(keys)):
        if before == key:
            yield field_duplicate(path, key)
