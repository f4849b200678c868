"""Validation of a pod's volumes. Whether the kubelet can mount a type is the kubelet's matter, not asked here."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from apiserver.validation.environment import object_field_selector, resource_field_selector
from apiserver.validation.names import dns_label, dns_subdomain
from apiserver.validation.paths import local_path, no_backsteps
from apiserver.validation.persistent_volumes import persistent_volume_claim_template
from apiserver.validation.volume_sources import csi_driver_name, persistent_source
from minikube_py.api.errors import (
    FieldError,
    field_duplicate,
    field_forbidden,
    field_invalid,
    field_not_supported,
    field_required,
)
from minikube_py.api.meta import Object
from minikube_py.api.quantity import ZERO, Quantity

SOURCES = (
    "emptyDir",
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "flocker",
    "downwardAPI",
    "fc",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
    "projected",
    "csi",
    "ephemeral",
    "image",
    "flexVolume",
    "photonPersistentDisk",
)
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
_DOWNWARD_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_FILE_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_TEN_MINUTES = 600
PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def volumes(path: str, items: list[Object]) -> Iterator[FieldError]:
    """Names are unique labels, each volume has exactly one source, and the source is sound."""
    seen: set[str] = set()
    for index, volume in enumerate(items):
        here = f"{path}[{index}]"
        name = volume.get("name") or ""
        if not name:
            yield field_required(f"{here}.name")
        else:
            yield from dns_label(f"{here}.name", name)
            if name in seen:
                yield field_duplicate(f"{here}.name", name)
            seen.add(name)
        yield from _source(here, volume)


def _source(path: str, volume: Object) -> Iterator[FieldError]:
    present = [source for source in SOURCES if volume.get(source) is not None]
    if not present:
        yield field_required(path, "must specify a volume type")
    for source in present[1:]:
        yield field_forbidden(f"{path}.{source}", "may not specify more than 1 volume type")
    for source in present[:1]:
        check = _CHECKS.get(source)
        if check is not None:
            yield from check(f"{path}.{source}", volume[source])
        else:
            # The older types are the same in a pod as in a PersistentVolume.
            yield from persistent_source(path, source, volume[source])


def _empty_dir(path: str, source: Object) -> Iterator[FieldError]:
    limit = source.get("sizeLimit")
    if limit is not None and Quantity.parse(limit) < ZERO:
        yield field_forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _host_path(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("path"):
        yield field_required(f"{path}.path")
    else:
        yield from no_backsteps(f"{path}.path", source["path"])
    if source.get("type") is not None and source["type"] not in _HOST_PATH_TYPES:
        yield field_not_supported(f"{path}.type", source["type"], _HOST_PATH_TYPES)


def _secret(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("secretName"):
        yield field_required(f"{path}.secretName")
    yield from _keys(path, source)


def _config_map(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("name"):
        yield field_required(f"{path}.name")
    yield from _keys(path, source)


def _keys(path: str, source: Object) -> Iterator[FieldError]:
    yield from _mode(f"{path}.defaultMode", source.get("defaultMode"))
    for index, item in enumerate(source.get("items") or []):
        here = f"{path}.items[{index}]"
        if not item.get("key"):
            yield field_required(f"{here}.key")
        yield from _item_path(f"{here}.path", item.get("path"))
        yield from _mode(f"{here}.mode", item.get("mode"))


def _mode(path: str, mode: int | None) -> Iterator[FieldError]:
    if mode is not None and not 0 <= mode <= 0o777:
        yield field_invalid(path, mode, _FILE_MODE)


def _item_path(path: str, value: str | None) -> Iterator[FieldError]:
    if not value:
        yield field_required(path)
        return
    yield from local_path(path, value)
    if value.startswith("..") and not value.startswith("../"):
        yield field_invalid(path, value, "must not start with '..'")


def _downward_api(path: str, source: Object) -> Iterator[FieldError]:
    yield from _mode(f"{path}.defaultMode", source.get("defaultMode"))
    for index, item in enumerate(source.get("items") or []):
        here = f"{path}.items[{index}]"
        yield from _item_path(f"{here}.path", item.get("path"))
        yield from _mode(f"{here}.mode", item.get("mode"))
        field_ref, resource_ref = item.get("fieldRef"), item.get("resourceFieldRef")
        if field_ref is not None:
            yield from object_field_selector(f"{here}.fieldRef", field_ref, _DOWNWARD_FIELDS)
            if resource_ref is not None:
                detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
                yield field_invalid(here, "resource", detail)
        elif resource_ref is not None:
            yield from resource_field_selector(f"{here}.resourceFieldRef", resource_ref, in_volume=True)
        else:
            yield field_required(here, "one of fieldRef and resourceFieldRef is required")


def _projected(path: str, source: Object) -> Iterator[FieldError]:
    yield from _mode(f"{path}.defaultMode", source.get("defaultMode"))
    for index, projection in enumerate(source.get("sources") or []):
        here = f"{path}.sources[{index}]"
        present = [kind for kind in _PROJECTIONS if projection.get(kind) is not None]
        if not present:
            yield field_required(here, "must specify one of the projected volume sources")
        elif len(present) > 1:
            yield field_forbidden(here, "may not specify more than 1 volume type per source")
        for kind in present:
            yield from _PROJECTIONS[kind](f"{here}.{kind}", projection[kind])


def _projected_keys(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("name"):
        yield field_required(f"{path}.name")
    yield from _keys(path, source)


def _token(path: str, source: Object) -> Iterator[FieldError]:
    seconds = source.get("expirationSeconds")
    if seconds is not None and seconds < _TEN_MINUTES:
        yield field_invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
    if seconds is not None and seconds > 1 << 32:
        detail = "may not specify a duration larger than 2^32 seconds"
        yield field_invalid(f"{path}.expirationSeconds", seconds, detail)
    yield from _item_path(f"{path}.path", source.get("path"))


def _cluster_trust_bundle(path: str, source: Object) -> Iterator[FieldError]:
    name, signer = source.get("name"), source.get("signerName")
    if name is not None and signer is None:
        yield from dns_subdomain(f"{path}.name", name)
        if source.get("labelSelector") is not None:
            yield field_invalid(
                f"{path}.labelSelector", source["labelSelector"], "labelSelector must be unset if name is specified"
            )
    elif name is not None:
        yield field_invalid(path, source, "only one of name and signerName may be used")
    elif not signer:
        yield field_required(path, "either name or signerName must be specified")
    yield from _item_path(f"{path}.path", source.get("path"))


def _claim(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("claimName"):
        yield field_required(f"{path}.claimName")


def _nfs(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("server"):
        yield field_required(f"{path}.server")
    if not source.get("path"):
        yield field_required(f"{path}.path")
    elif not posixpath.isabs(source["path"]):
        yield field_invalid(f"{path}.path", source["path"], "must be an absolute path")


def _csi(path: str, source: Object) -> Iterator[FieldError]:
    yield from csi_driver_name(f"{path}.driver", source.get("driver") or "")
    reference = source.get("nodePublishSecretRef")
    if reference is not None and not reference.get("name"):
        yield field_required(f"{path}.nodePublishSecretRef.name")


def _git_repo(path: str, source: Object) -> Iterator[FieldError]:
    if not source.get("repository"):
        yield field_required(f"{path}.repository")
    if source.get("directory"):
        yield from local_path(f"{path}.directory", source["directory"])


def _image(path: str, source: Object) -> Iterator[FieldError]:
    reference = source.get("reference") or ""
    if reference != reference.strip():
        detail = "must not have leading or trailing whitespace"
        yield field_invalid(f"{path}.reference", reference, detail)
    elif not reference:
        yield field_required(f"{path}.reference")
    policy = source.get("pullPolicy") or ""
    if not policy:
        yield field_required(f"{path}.pullPolicy")
    elif policy not in PULL_POLICIES:
        yield field_not_supported(f"{path}.pullPolicy", policy, PULL_POLICIES)


def _ephemeral(path: str, source: Object) -> Iterator[FieldError]:
    if source.get("volumeClaimTemplate") is None:
        yield field_required(f"{path}.volumeClaimTemplate")
    else:
        yield from persistent_volume_claim_template(f"{path}.volumeClaimTemplate", source["volumeClaimTemplate"])


_Check = Callable[[str, Object], Iterator[FieldError]]

_PROJECTIONS: dict[str, _Check] = {
    "secret": _projected_keys,
    "configMap": _projected_keys,
    "downwardAPI": _downward_api,
    "serviceAccountToken": _token,
    "clusterTrustBundle": _cluster_trust_bundle,
}

_CHECKS: dict[str, _Check] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "secret": _secret,
    "configMap": _config_map,
    "downwardAPI": _downward_api,
    "projected": _projected,
    "persistentVolumeClaim": _claim,
    "nfs": _nfs,
    "csi": _csi,
    "ephemeral": _ephemeral,
    "gitRepo": _git_repo,
    "image": _image,
}
