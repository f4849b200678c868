"""Validation of PersistentVolume and PersistentVolumeClaim."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from apiserver.validation.difference import difference
from apiserver.validation.meta import immutable, label_selector, object_meta, object_meta_update, template_meta
from apiserver.validation.names import NOT_POSITIVE, dns_label, dns_subdomain, qualified_name
from apiserver.validation.resources import quantity
from apiserver.validation.topology import node_selector
from apiserver.validation.volume_sources import PERSISTENT_SOURCES, csi_driver_name, volume_source
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object, annotations_of
from minikube_py.api.quantity import Quantity

__all__ = [
    "csi_driver_name",
    "persistent_volume",
    "persistent_volume_claim",
    "persistent_volume_claim_spec",
    "persistent_volume_claim_status_update",
    "persistent_volume_claim_template",
    "persistent_volume_claim_update",
    "persistent_volume_spec",
    "persistent_volume_update",
]

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
_VOLUME_MODES = ("Block", "Filesystem")
_INLINE = "may not be specified in the context of inline volumes"
_RESIZE_STATUSES = (
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizePending",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
)


def persistent_volume(obj: Object) -> Iterator[FieldError]:
    """A PersistentVolume about to be stored."""
    yield from object_meta(obj, namespaced=False)
    yield from persistent_volume_spec("spec", obj.get("spec") or {})


def persistent_volume_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed PersistentVolume, whose source, mode and place stay."""
    yield from object_meta_update(new, old)
    yield from persistent_volume(new)
    new_spec, old_spec = new.get("spec") or {}, old.get("spec") or {}
    new_source, old_source = _sources(new_spec), _sources(old_spec)
    secret = "controllerExpandSecretRef"
    if "csi" in new_source and secret not in (old_source.get("csi") or {}):
        new_source["csi"] = {key: value for key, value in new_source["csi"].items() if key != secret}
    if new_source != old_source:
        detail = f"spec.persistentvolumesource is immutable after creation\n{difference(new_source, old_source)}"
        yield field_forbidden("spec.persistentvolumesource", detail)
    yield from immutable("volumeMode", new_spec.get("volumeMode"), old_spec.get("volumeMode"))
    if old_spec.get("nodeAffinity") is not None:
        yield from immutable("nodeAffinity", new_spec.get("nodeAffinity"), old_spec["nodeAffinity"])
    yield from _attributes_class_kept(new_spec, old_spec)


def persistent_volume_spec(path: str, spec: Object, *, inline: bool = False) -> Iterator[FieldError]:
    """The spec of a volume, or of one written into a VolumeAttachment (``inline``), which is CSI's only."""
    if inline:
        yield from _inline(path, spec)
    modes = spec.get("accessModes") or []
    if not modes:
        yield field_required(f"{path}.accessModes")
    yield from _access_modes(f"{path}.accessModes", modes)
    if not inline:
        yield from _capacity(f"{path}.capacity", spec.get("capacity") or {})
        yield from _choice(f"{path}.persistentVolumeReclaimPolicy", spec, "persistentVolumeReclaimPolicy")
        yield from _node_affinity(f"{path}.nodeAffinity", spec.get("nodeAffinity"))
    yield from volume_source(path, spec)
    if spec.get("local") is not None and not (spec.get("nodeAffinity") or {}).get("required"):
        yield field_required(f"{path}.nodeAffinity", "Local volume requires node affinity")
    host_path = (spec.get("hostPath") or {}).get("path") or ""
    if host_path and posixpath.normpath(host_path) == "/" and spec.get("persistentVolumeReclaimPolicy") == "Recycle":
        yield field_forbidden(
            f"{path}.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"
        )
    if spec.get("storageClassName") and not inline:
        yield from dns_subdomain(f"{path}.storageClassName", spec["storageClassName"])
    if not inline:
        yield from _choice(f"{path}.volumeMode", spec, "volumeMode")
    attributes = spec.get("volumeAttributesClassName")
    if attributes is not None:
        yield from _attributes_class(f"{path}.volumeAttributesClassName", attributes)
        if spec.get("csi") is None:
            yield field_required(f"{path}.csi", "has to be specified when using volumeAttributesClassName")


def persistent_volume_claim(obj: Object) -> Iterator[FieldError]:
    """A PersistentVolumeClaim about to be stored."""
    yield from object_meta(obj, namespaced=True)
    yield from persistent_volume_claim_spec("spec", obj.get("spec") or {})


def persistent_volume_claim_template(path: str, template: Object) -> Iterator[FieldError]:
    """The template of an ephemeral volume's claim."""
    yield from template_meta(f"{path}.metadata", template.get("metadata") or {})
    yield from persistent_volume_claim_spec(f"{path}.spec", template.get("spec") or {})


def persistent_volume_claim_spec(path: str, spec: Object) -> Iterator[FieldError]:
    """The spec of a claim; also of one in a template."""
    modes = spec.get("accessModes") or []
    if not modes:
        yield field_required(f"{path}.accessModes", "at least 1 access mode is required")
    yield from label_selector(f"{path}.selector", spec.get("selector"))
    yield from _access_modes(f"{path}.accessModes", modes)
    requested = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if requested is None:
        yield field_required(f"{path}.resources[storage]")
    else:
        yield from _positive(f"{path}.resources[storage]", requested)
    if spec.get("storageClassName"):
        yield from dns_subdomain(f"{path}.storageClassName", spec["storageClassName"])
    yield from _choice(f"{path}.volumeMode", spec, "volumeMode")
    yield from _data_sources(path, spec.get("dataSource"), spec.get("dataSourceRef"))
    if spec.get("volumeAttributesClassName"):
        yield from dns_subdomain(f"{path}.volumeAttributesClassName", spec["volumeAttributesClassName"])


def persistent_volume_claim_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed claim: its volume is set once, a bound one may be asked to grow, nothing else changes."""
    yield from object_meta_update(new, old)
    yield from persistent_volume_claim(new)
    new_spec, old_spec = dict(new.get("spec") or {}), dict(old.get("spec") or {})
    if not old_spec.get("volumeName"):
        old_spec["volumeName"] = new_spec.get("volumeName")
    new_class, old_class = (annotations_of(obj).get(CLASS_ANNOTATION) for obj in (new, old))
    gets_class = old_spec.get("storageClassName") is None and new_spec.get("storageClassName") is not None
    if gets_class and old_class in (None, new_spec["storageClassName"]):
        new_spec["storageClassName"] = None
    if new_class != old_class and not (gets_class and new_class is None):
        yield field_invalid(f"metadata.annotations[{CLASS_ANNOTATION}]", new_class or "", "field is immutable")
    new_size, old_size = _size(new_spec), _size(old_spec)
    if (new.get("status") or {}).get("phase") == "Bound":
        _level(new_spec, old_spec)
    if _compared(new_spec) != _compared(old_spec):
        detail = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
            f"claims\n{difference(_compared(new_spec), _compared(old_spec))}"
        )
        yield field_forbidden("spec", detail)
    if new_size is not None and old_size is not None and new_size < old_size:
        held = ((old.get("status") or {}).get("capacity") or {}).get("storage")
        if held is None or new_size <= Quantity.parse(held):
            yield field_forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
    yield from immutable("volumeMode", new_spec.get("volumeMode"), old_spec.get("volumeMode"))
    yield from _attributes_class_kept(new.get("spec") or {}, old.get("spec") or {})


def persistent_volume_claim_status_update(new: Object, old: Object) -> Iterator[FieldError]:
    """A changed status of a claim: sound sizes and known states of growing."""
    yield from object_meta_update(new, old)
    status = new.get("status") or {}
    for name, value in (status.get("capacity") or {}).items():
        yield from _resource(f"status.capacity[{name}]", value)
    for name, state in (status.get("allocatedResourceStatuses") or {}).items():
        yield from _claim_resource("status.allocatedResourceStatus", name)
        if state not in _RESIZE_STATUSES:
            yield field_not_supported("status.allocatedResourceStatus", name, _RESIZE_STATUSES)
    for name, value in (status.get("allocatedResources") or {}).items():
        errors = list(_claim_resource("status.allocatedResources", name))
        yield from errors
        if not errors:
            yield from _resource(f"status.allocatedResources[{name}]", value)


def _inline(path: str, spec: Object) -> Iterator[FieldError]:
    for key in ("claimRef", "capacity", "nodeAffinity", "storageClassName"):
        if spec.get(key):
            yield field_forbidden(f"{path}.{key}", _INLINE)
    if spec.get("csi") is None:
        yield field_required(f"{path}.csi", "has to be specified in the context of inline volumes")
    if spec.get("persistentVolumeReclaimPolicy") not in (None, "", "Retain"):
        detail = "may only be Retain in the context of inline volumes"
        yield field_forbidden(f"{path}.persistentVolumeReclaimPolicy", detail)
    if spec.get("volumeMode") not in (None, "Filesystem"):
        detail = "may not specify volumeMode other than Filesystem in the context of inline volumes"
        yield field_forbidden(f"{path}.volumeMode", detail)


def _choice(path: str, spec: Object, key: str) -> Iterator[FieldError]:
    supported = _VOLUME_MODES if key == "volumeMode" else _RECLAIM_POLICIES
    if spec.get(key) and spec[key] not in supported:
        yield field_not_supported(path, spec[key], supported)


def _access_modes(path: str, modes: list[str]) -> Iterator[FieldError]:
    for mode in modes:
        if mode not in _ACCESS_MODES:
            yield field_not_supported(path, mode, _ACCESS_MODES)
    known = {mode for mode in modes if mode in _ACCESS_MODES}
    if "ReadWriteOncePod" in known and len(known) > 1:
        yield field_forbidden(path, "may not use ReadWriteOncePod with other access modes")


def _capacity(path: str, capacity: Object) -> Iterator[FieldError]:
    if not capacity:
        yield field_required(path)
    if set(capacity) != {"storage"}:
        yield field_not_supported(path, capacity, ("storage",))
    for name, value in capacity.items():
        errors = list(_resource(f"{path}[{name}]", value))
        yield from errors
        if not errors:
            yield from _positive(f"{path}[{name}]", value)


def _resource(path: str, value: Any) -> Iterator[FieldError]:
    parsed = Quantity.parse(value)
    if parsed.value() < 0:
        yield field_invalid(path, parsed.value(), "must be a valid resource quantity")


def _positive(path: str, value: Any) -> Iterator[FieldError]:
    parsed = Quantity.parse(value)
    if not Quantity.parse("0") < parsed:
        yield field_invalid(path, str(parsed), NOT_POSITIVE)
    else:
        yield from quantity(path, value)


def _node_affinity(path: str, affinity: Object | None) -> Iterator[FieldError]:
    if affinity is None:
        return
    if affinity.get("required") is None:
        yield field_required(f"{path}.required", "must specify required node constraints")
    else:
        yield from node_selector(f"{path}.required", affinity["required"])


def _attributes_class(path: str, name: str) -> Iterator[FieldError]:
    if not name:
        yield field_required(path, "an empty string is disallowed")
    else:
        yield from dns_subdomain(path, name)


def _attributes_class_kept(new: Object, old: Object) -> Iterator[FieldError]:
    path, key = "spec.volumeAttributesClassName", "volumeAttributesClassName"
    if old.get(key) is None:
        return
    if new.get(key) is None:
        yield field_forbidden(path, "update from non-nil value to nil is forbidden")
    elif not new[key] and old[key]:
        yield field_forbidden(path, "update from non-nil value to an empty string is forbidden")


def _sources(spec: Object) -> Object:
    return {key: spec[key] for key in PERSISTENT_SOURCES if spec.get(key) is not None}


def _data_sources(path: str, source: Object | None, reference: Object | None) -> Iterator[FieldError]:
    if source is not None:
        yield from _data_source(f"{path}.dataSource", source)
    if reference is not None:
        yield from _data_source(f"{path}.dataSourceRef", reference)
        if reference.get("namespace"):
            yield from dns_label(f"{path}.dataSourceRef.namespace", reference["namespace"])
    if source is None or reference is None:
        return
    if reference.get("namespace"):
        detail = "may not be specified when dataSourceRef.namespace is specified"
        yield field_invalid(path, f"{path}.dataSource", detail)
    elif any(source.get(key) != reference.get(key) for key in ("apiGroup", "kind", "name")):
        yield field_invalid(path, f"{path}.dataSource", "must match dataSourceRef")


def _data_source(path: str, source: Object) -> Iterator[FieldError]:
    for key in ("name", "kind"):
        if not source.get(key):
            yield field_required(f"{path}.{key}")
    group, kind = source.get("apiGroup") or "", source.get("kind") or ""
    if not group and kind != "PersistentVolumeClaim":
        yield field_invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
    if group:
        yield from dns_subdomain(f"{path}.apiGroup", group)


def _size(spec: Object) -> Quantity | None:
    value = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    return None if value is None else Quantity.parse(value)


def _level(new: Object, old: Object) -> None:
    """Makes equal what a bound claim may change: the size it asks for, and the class of its attributes."""
    size = ((old.get("resources") or {}).get("requests") or {}).get("storage")
    resources = new.get("resources") or {}
    if resources.get("requests"):
        new["resources"] = {**resources, "requests": {**resources["requests"], "storage": size}}
    if new.get("volumeAttributesClassName") is not None:
        new["volumeAttributesClassName"] = old.get("volumeAttributesClassName")


def _compared(spec: Object) -> Object:
    return {key: value for key, value in spec.items() if value not in (None, {}, [])}


def _claim_resource(path: str, name: str) -> Iterator[FieldError]:
    errors = list(qualified_name(path, name))
    yield from errors
    if not errors and ("/" not in name or "kubernetes.io/" in name) and name != "storage":
        yield field_not_supported(path, name, ("storage",))
