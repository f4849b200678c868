"""Validation of where the data of a PersistentVolume is: one source of one of many types."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from apiserver.validation.names import dns_label, dns_subdomain, in_range
from apiserver.validation.paths import no_backsteps
from minikube_py.api import names
from minikube_py.api.errors import (
    FieldError,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
    field_too_long,
)
from minikube_py.api.meta import Object

_HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
_REQUIRED: dict[str, tuple[str, ...]] = {
    "hostPath": ("path",),
    "gcePersistentDisk": ("pdName",),
    "awsElasticBlockStore": ("volumeID",),
    "glusterfs": ("endpoints", "path"),
    "flocker": (),
    "nfs": ("server", "path"),
    "rbd": ("monitors", "image"),
    "quobyte": ("registry", "volume"),
    "cephfs": ("monitors",),
    "iscsi": ("targetPortal", "iqn"),
    "cinder": ("volumeID",),
    "fc": (),
    "flexVolume": ("driver",),
    "azureFile": ("secretName", "shareName"),
    "vsphereVolume": ("volumePath",),
    "photonPersistentDisk": ("pdID",),
    "portworxVolume": ("volumeID",),
    "azureDisk": ("diskName", "diskURI"),
    "scaleIO": ("gateway", "system", "volumeName"),
    "local": ("path",),
    "storageos": ("volumeName",),
    "csi": (),
}
PERSISTENT_SOURCES = tuple(_REQUIRED)
"""The fields of a PersistentVolume's spec of which exactly one is set."""
_SHOWN_PATHS = {"gcePersistentDisk": "persistentDisk"}
_SECRETS = (
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeStageSecretRef",
    "nodeExpandSecretRef",
)


def volume_source(path: str, spec: Object) -> Iterator[FieldError]:
    """Exactly one source, which is sound."""
    present = [source for source in PERSISTENT_SOURCES if spec.get(source) is not None]
    for source in present[1:]:
        yield field_forbidden(f"{path}.{source}", "may not specify more than 1 volume type")
    for source in present[:1]:
        yield from persistent_source(path, source, spec[source])
    if not present:
        yield field_required(path, "must specify a volume type")


def csi_driver_name(path: str, name: str) -> Iterator[FieldError]:
    """The name of a CSI driver: a DNS subdomain in any case, up to 63 characters."""
    if not name:
        yield field_required(path)
    if len(name) > 63:
        yield field_too_long(path, 63)
    for message in names.dns1123_subdomain(name.lower()):
        yield field_invalid(path, name, message)


def persistent_source(path: str, kind: str, source: Object) -> Iterator[FieldError]:
    """One source of the type ``kind`` in the volume at ``path``."""
    path = f"{path}.{_SHOWN_PATHS.get(kind, kind)}"
    for key in _REQUIRED[kind]:
        if not source.get(key):
            yield field_required(f"{path}.{key}")
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(path, source)


def _host_path(path: str, source: Object) -> Iterator[FieldError]:
    yield from no_backsteps(f"{path}.path", source.get("path") or "")
    if source.get("type") is not None and source["type"] not in _HOST_PATH_TYPES:
        yield field_not_supported(f"{path}.type", source["type"], _HOST_PATH_TYPES)


def _local(path: str, source: Object) -> Iterator[FieldError]:
    yield from no_backsteps(f"{path}.path", source.get("path") or "")


def _partition(path: str, source: Object) -> Iterator[FieldError]:
    yield from in_range(f"{path}.partition", source.get("partition") or 0, 0, 255)


def _flocker(path: str, source: Object) -> Iterator[FieldError]:
    name, uuid = source.get("datasetName") or "", source.get("datasetUUID") or ""
    if not name and not uuid:
        yield field_required(path, "one of datasetName and datasetUUID is required")
    if name and uuid:
        yield field_invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously")
    if "/" in name:
        yield field_invalid(f"{path}.datasetName", name, "must not contain '/'")


def _nfs(path: str, source: Object) -> Iterator[FieldError]:
    value = source.get("path") or ""
    if value and not posixpath.isabs(value):
        yield field_invalid(f"{path}.path", value, "must be an absolute path")


def _iscsi(path: str, source: Object) -> Iterator[FieldError]:
    name = source.get("iqn") or ""
    if name and not name.startswith(("iqn", "eui", "naa")):
        yield field_invalid(f"{path}.iqn", name, "must be valid format starting with iqn, eui, or naa")
    yield from in_range(f"{path}.lun", source.get("lun") or 0, 0, 255)


def _fc(path: str, source: Object) -> Iterator[FieldError]:
    targets, wwids = source.get("targetWWNs"), source.get("wwids")
    if not targets and not wwids:
        yield field_required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both")
    elif targets and wwids:
        yield field_invalid(f"{path}.targetWWNs", targets, "targetWWNs and wwids can not be specified simultaneously")
    elif targets:
        if source.get("lun") is None:
            yield field_required(f"{path}.lun", "lun is required if targetWWNs is specified")
        else:
            yield from in_range(f"{path}.lun", source["lun"], 0, 255)


def _storageos(path: str, source: Object) -> Iterator[FieldError]:
    for key in ("volumeName", "volumeNamespace"):
        if source.get(key):
            yield from dns_label(f"{path}.{key}", source[key])


def _csi(path: str, source: Object) -> Iterator[FieldError]:
    yield from csi_driver_name(f"{path}.driver", source.get("driver") or "")
    if not source.get("volumeHandle"):
        yield field_required(f"{path}.volumeHandle")
    for key in _SECRETS:
        if source.get(key) is not None:
            yield from _secret_reference(f"{path}.{key}", source[key])


def _secret_reference(path: str, reference: Object) -> Iterator[FieldError]:
    name, namespace = reference.get("name") or "", reference.get("namespace") or ""
    if not name:
        yield field_required(f"{path}.name")
    else:
        yield from dns_subdomain(f"{path}.name", name)
    if not namespace:
        yield field_required(f"{path}.namespace")
    else:
        yield from dns_label(f"{path}.namespace", namespace)


_CHECKS: dict[str, Callable[[str, Object], Iterator[FieldError]]] = {
    "hostPath": _host_path,
    "local": _local,
    "gcePersistentDisk": _partition,
    "awsElasticBlockStore": _partition,
    "flocker": _flocker,
    "nfs": _nfs,
    "iscsi": _iscsi,
    "fc": _fc,
    "storageos": _storageos,
    "csi": _csi,
}
